// Runs client-go's shared informer on one resource and reports each step as a line of JSON.
//
// A subject of the conformance run: it takes the commands start, dump, settle and stop on its
// standard input, one a line. Its Python counterpart is conformance/subject.py.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

var (
	kubeconfig = flag.String("kubeconfig", "", "file to connect by")
	context    = flag.String("context", "", "context of that file; empty: its current one")
	group      = flag.String("group", "", "API group of the resource; empty: the core group")
	version    = flag.String("version", "v1", "API version of the resource")
	resource   = flag.String("resource", "pods", "resource by its plural")
	namespace  = flag.String("namespace", "", "namespace; empty: all of them")
	kind       = flag.String("objects", "dynamic", "how objects are held: typed, dynamic or metadata")
	quiet      = flag.Bool("quiet", false, "report no notifications, as a benchmark wants it")
)

var output = struct {
	sync.Mutex
	*json.Encoder
}{Encoder: json.NewEncoder(os.Stdout)}

type fields map[string]any

func report(event string, more fields) {
	more["event"] = event
	output.Lock()
	defer output.Unlock()
	if err := output.Encode(more); err != nil {
		os.Exit(1) // the driver is gone
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func describe(obj any, more fields) fields {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		fatal(err)
	}
	key, err := cache.MetaNamespaceKeyFunc(obj)
	if err != nil {
		fatal(err)
	}
	more["key"] = key
	more["version"] = accessor.GetResourceVersion()
	return more
}

type handler struct{}

func (handler) OnAdd(obj any, initial bool) {
	report("add", describe(obj, fields{"initial": initial}))
}

func (handler) OnUpdate(_, obj any) {
	report("update", describe(obj, fields{}))
}

func (handler) OnDelete(obj any) {
	last, unknown := obj.(cache.DeletedFinalStateUnknown)
	if unknown {
		obj = last.Obj
	}
	report("delete", describe(obj, fields{"unknown": unknown}))
}

func informer(config *rest.Config) (cache.SharedIndexInformer, error) {
	gvr := schema.GroupVersionResource{Group: *group, Version: *version, Resource: *resource}
	switch *kind {
	case "typed":
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(*namespace))
		generic, err := factory.ForResource(gvr)
		if err != nil {
			return nil, err
		}
		return generic.Informer(), nil
	case "metadata":
		client, err := metadata.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		return metadatainformer.NewFilteredMetadataInformer(client, gvr, *namespace, 0, nil, nil).Informer(), nil
	case "dynamic":
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		return dynamicinformer.NewFilteredDynamicInformer(client, gvr, *namespace, 0, nil, nil).Informer(), nil
	}
	return nil, fmt.Errorf("-objects %q is none of typed, dynamic, metadata", *kind)
}

func dump(shared cache.SharedIndexInformer) {
	objects := map[string]string{}
	for _, obj := range shared.GetStore().List() {
		described := describe(obj, fields{})
		objects[described["key"].(string)] = described["version"].(string)
	}
	report("cache", fields{"objects": objects})
}

func main() {
	flag.Parse()
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: *kubeconfig},
		&clientcmd.ConfigOverrides{CurrentContext: *context},
	)
	config, err := loaded.ClientConfig()
	if err != nil {
		fatal(err)
	}
	shared, err := informer(config)
	if err != nil {
		fatal(err)
	}
	if !*quiet {
		if _, err := shared.AddEventHandler(handler{}); err != nil {
			fatal(err)
		}
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	report("ready", fields{})
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		switch commands.Text() {
		case "start":
			begun := time.Now()
			go func() {
				shared.Run(stop)
				close(ended)
			}()
			go func() {
				for !shared.HasSynced() {
					select {
					case <-stop:
						return
					case <-time.After(time.Millisecond):
					}
				}
				report("synced", fields{"seconds": time.Since(begun).Seconds()})
			}()
		case "dump":
			dump(shared)
		case "settle":
			runtime.GC()
			debug.FreeOSMemory()
			report("settled", fields{})
		case "stop":
			begun := time.Now()
			close(stop)
			<-ended
			report("stopped", fields{"seconds": time.Since(begun).Seconds()})
			return
		}
	}
}
