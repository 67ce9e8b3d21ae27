package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// body is the shape of every answer, errors included.
type body struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	Result   any    `json:"result"`
	Continue string `json:"continue,omitempty"`
}

// A refusal is what a client is told in place of pods.
type refusal struct {
	code       int
	message    string
	retryAfter int // s, 0 for none
	next       string
}

func (r refusal) Error() string { return r.message }

// passedOn are the codes that mean the same to a client as to this server.
var passedOn = map[int]bool{400: true, 404: true, 410: true, 422: true, 429: true, 503: true, 504: true}

func refusalOf(err error) refusal {
	var known refusal
	if errors.As(err, &known) {
		return known
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return refusal{503, fmt.Sprintf("the API server cannot be reached: %v", err), 1, ""}
	}
	told := status.Status()
	found := refusal{code: int(told.Code), message: told.Message, next: told.Continue}
	if !passedOn[found.code] {
		found.message = fmt.Sprintf(
			"the API server did not serve this server's request (%d): %s", found.code, found.message)
		found.code = 503
	}
	if told.Details != nil {
		found.retryAfter = int(told.Details.RetryAfterSeconds)
	}
	if found.retryAfter == 0 && (found.code == 429 || found.code == 503) {
		found.retryAfter = 1
	}
	return found
}

func refuse(c *gin.Context, r refusal) {
	if r.retryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(r.retryAfter))
	}
	send(c, r.code, unescaped(body{r.code, r.message, nil, r.next}))
}

func answer(c *gin.Context, b body) error {
	encoded, err := json.Marshal(b)
	if err != nil {
		return err
	}
	send(c, http.StatusOK, encoded)
	return nil
}

func plain(c *gin.Context, message string) error {
	send(c, http.StatusOK, unescaped(gin.H{"code": 200, "message": message}))
	return nil
}

func send(c *gin.Context, code int, encoded []byte) {
	c.Header("Content-Length", strconv.Itoa(len(encoded)))
	c.Data(code, "application/json", encoded)
}

// unescaped encodes as the servers in Python do: < and > need no escape in a body of JSON.
func unescaped(value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // strings and numbers always encode
	}
	return bytes.TrimRight(buffer.Bytes(), "\n")
}

// checkPath refuses a segment that could lead elsewhere, by the path as it was sent.
func checkPath(c *gin.Context) {
	path, _, _ := strings.Cut(c.Request.RequestURI, "?")
	for _, raw := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		segment, err := url.PathUnescape(raw)
		if err != nil || segment == "" || segment == "." || segment == ".." ||
			strings.ContainsAny(segment, "/%") {
			refuse(c, refusal{code: 404, message: fmt.Sprintf(
				"%q cannot be a part of a path here", segment)})
			c.Abort()
			return
		}
	}
}

func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
