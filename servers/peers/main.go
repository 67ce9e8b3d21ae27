// Peers of the servers in Python: the same routes with gin and client-go, as the many services in
// Go read pods. client-go is left at its defaults, protobuf and gzip among them, save for two: its
// own limit of 5 requests a second, which would be what is measured, and its retries, which would
// make several requests of one.
//
//	peers direct | informer
//
// What it listens on and whom it asks is in the environment, as of any server that bench/sut/launch
// starts: HOST, PORT, KUBECONFIG, PODS_NAMESPACE, REPLICA.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// A source says where pods come from; all else is the same for every source.
type source interface {
	list(context.Context, query) (page, error)
	get(ctx context.Context, namespace, name, version string) (*corev1.Pod, error)
	// events returns versions and arrival times, in us of the monotonic clock, from a version on.
	events(since uint64) [][2]uint64
	ready(context.Context) error
}

// A page of pods in the API server's order; pods is a slice, of pods or of pointers to them.
type page struct {
	pods    any
	version string
	next    string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "peers: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("usage: peers direct|informer")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	config.QPS = -1
	config.UserAgent = "informer-bench-server/" + os.Getenv("REPLICA")
	config.Wrap(newCounted(registry))
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	scope := os.Getenv("PODS_NAMESPACE")
	var pods source
	switch os.Args[1] {
	case "direct":
		pods = direct{client.CoreV1().RESTClient(), scope}
	case "informer":
		pods = newCached(ctx, client, scope)
	default:
		return fmt.Errorf("there is no peer %q; there are direct and informer", os.Args[1])
	}
	host := cmp.Or(os.Getenv("HOST"), "127.0.0.1") // empty would be every address
	listener, err := net.Listen("tcp", net.JoinHostPort(host, os.Getenv("PORT")))
	if err != nil {
		return err
	}
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	server := &http.Server{Handler: routes(pods, scope, metrics)}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	fmt.Printf("peers %s: http://%s/pods reads %s\n", os.Args[1], listener.Addr(), config.Host)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func routes(pods source, scope string, metrics http.Handler) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.RedirectTrailingSlash = false
	engine.HandleMethodNotAllowed = true
	engine.Use(checkPath)
	engine.NoRoute(func(c *gin.Context) {
		refuse(c, refusal{code: 404, message: fmt.Sprintf(
			"%q is not served; /pods, /pods/<namespace> and /pods/<namespace>/<name> are, "+
				"and /healthz, /readyz, /metrics, /events and /workers", c.Request.URL.Path)})
	})
	engine.NoMethod(func(c *gin.Context) {
		c.Header("Allow", "GET, HEAD")
		refuse(c, refusal{code: 405, message: c.Request.Method +
			" is not allowed: this server only reads (GET, HEAD)"})
	})
	get := func(path string, handle func(*gin.Context) error) {
		engine.Match([]string{http.MethodGet, http.MethodHead}, path, func(c *gin.Context) {
			if err := handle(c); err != nil {
				refuse(c, refusalOf(err))
			}
		})
	}
	list := func(c *gin.Context) error {
		q, err := readQuery(c, scope)
		if err != nil {
			return err
		}
		found, err := pods.list(c.Request.Context(), q)
		if err != nil {
			return err
		}
		c.Header("X-Resource-Version", found.version)
		return answer(c, body{200, "pong", found.pods, found.next})
	}
	get("/pods", list)
	get("/pods/:namespace", list)
	get("/pods/:namespace/:name", func(c *gin.Context) error {
		namespace, err := namespaceOf(c, scope)
		if err != nil {
			return err
		}
		version, err := versionOf(c.Query("resourceVersion"), "")
		if err != nil {
			return err
		}
		pod, err := pods.get(c.Request.Context(), namespace, valid(c.Param("name")), version)
		if err != nil {
			return err
		}
		c.Header("X-Resource-Version", pod.ResourceVersion)
		return answer(c, body{200, "pong", pod, ""})
	})
	get("/healthz", func(c *gin.Context) error { return plain(c, "alive") })
	get("/readyz", func(c *gin.Context) error {
		if err := pods.ready(c.Request.Context()); err != nil {
			return err
		}
		return plain(c, "ready")
	})
	get("/events", func(c *gin.Context) error {
		since, err := versionOf(c.Query("since"), "since: ")
		if err != nil {
			return err
		}
		return answer(c, body{200, "pong", pods.events(number(since)), ""})
	})
	get("/workers", func(c *gin.Context) error { return answer(c, body{200, "pong", []string{}, ""}) })
	get("/metrics", func(c *gin.Context) error {
		metrics.ServeHTTP(c.Writer, c.Request)
		return nil
	})
	return engine
}
