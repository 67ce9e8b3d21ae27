// Runs client-go's shared informer on one resource and reports each step as a line of JSON.
//
// A subject of the conformance run: it takes the commands new (with JSON: what to watch), start,
// dump, settle and stop on its standard input, one a line, and new again after stop. Its Python
// counterpart is conformance/subject.py.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
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
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// options is what the command new takes.
type options struct {
	Kubeconfig string
	Context    string // empty: the current one
	Group      string
	Version    string
	Resource   string
	Namespace  string // empty: all of them
	Objects    string // how they are held: typed, dynamic or metadata
	Quiet      bool   // no notifications, as a benchmark wants it
}

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

func informer(asked options) (cache.SharedIndexInformer, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: asked.Kubeconfig},
		&clientcmd.ConfigOverrides{CurrentContext: asked.Context},
	).ClientConfig()
	if err != nil {
		return nil, err
	}
	gvr := schema.GroupVersionResource{Group: asked.Group, Version: asked.Version, Resource: asked.Resource}
	switch asked.Objects {
	case "typed":
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(asked.Namespace))
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
		return metadatainformer.NewFilteredMetadataInformer(client, gvr, asked.Namespace, 0, nil, nil).Informer(), nil
	case "dynamic":
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		return dynamicinformer.NewFilteredDynamicInformer(client, gvr, asked.Namespace, 0, nil, nil).Informer(), nil
	}
	return nil, fmt.Errorf("objects %q is none of typed, dynamic, metadata", asked.Objects)
}

func begin(arguments string) cache.SharedIndexInformer {
	var asked options
	if err := json.Unmarshal([]byte(arguments), &asked); err != nil {
		fatal(err)
	}
	shared, err := informer(asked)
	if err != nil {
		fatal(err)
	}
	if !asked.Quiet {
		if _, err := shared.AddEventHandler(handler{}); err != nil {
			fatal(err)
		}
	}
	return shared
}

// run runs the informer until stop is closed, and closes ended then.
func run(shared cache.SharedIndexInformer, stop, ended chan struct{}) {
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
	var shared cache.SharedIndexInformer
	var stop, ended chan struct{}
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		command, arguments, _ := strings.Cut(commands.Text(), " ")
		switch command {
		case "new":
			shared, stop, ended = begin(arguments), make(chan struct{}), make(chan struct{})
			report("ready", fields{})
		case "start":
			run(shared, stop, ended)
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
		}
	}
}
