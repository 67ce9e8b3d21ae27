package main

import (
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/transport"
)

// counted counts requests to the API server by the audit log's own words, and the bytes of bodies
// as they came off the wire: it therefore asks for gzip and unpacks, as http.Transport would.
type counted struct {
	next     http.RoundTripper
	requests *prometheus.CounterVec
	received prometheus.Counter
}

func newCounted(registry prometheus.Registerer) transport.WrapperFunc {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "informer_bench_upstream_requests_total",
		Help: "HTTP requests sent to the API server; code 0: no status came.",
	}, []string{"verb", "resource", "subresource", "code"})
	received := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "informer_bench_upstream_received_bytes_total",
		Help: "Bytes of bodies received from the API server, answers and watches alike.",
	})
	registry.MustRegister(requests, received)
	return func(next http.RoundTripper) http.RoundTripper { return counted{next, requests, received} }
}

func (c counted) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Accept-Encoding", "gzip")
	response, err := c.next.RoundTrip(request)
	code := 0
	if err == nil {
		code = response.StatusCode
	}
	c.requests.WithLabelValues(verb(request), "pods", "", strconv.Itoa(code)).Inc()
	if err != nil {
		return nil, err
	}
	response.Body = &countedBody{response.Body, c.received}
	if response.Header.Get("Content-Encoding") == "gzip" {
		response.Body = &unpacked{packed: response.Body}
		response.Header.Del("Content-Encoding")
		response.Header.Del("Content-Length")
		response.ContentLength, response.Uncompressed = -1, true
	}
	return response, nil
}

// verb is what the audit log calls a request for pods, which is all that is ever asked for.
func verb(request *http.Request) string {
	if request.URL.Query().Get("watch") != "" {
		return "watch"
	}
	if strings.HasSuffix(request.URL.Path, "/pods") {
		return "list"
	}
	return "get"
}

type countedBody struct {
	io.ReadCloser
	received prometheus.Counter
}

func (b *countedBody) Read(into []byte) (int, error) {
	size, err := b.ReadCloser.Read(into)
	b.received.Add(float64(size))
	return size, err
}

// unpacked is a body unpacked on its way; nothing is read before the first read.
type unpacked struct {
	packed io.ReadCloser
	reader *gzip.Reader
}

func (u *unpacked) Read(into []byte) (int, error) {
	if u.reader == nil {
		reader, err := gzip.NewReader(u.packed)
		if err != nil {
			return 0, err
		}
		u.reader = reader
	}
	return u.reader.Read(into)
}

func (u *unpacked) Close() error { return u.packed.Close() }
