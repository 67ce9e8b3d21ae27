package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

const (
	waitFor    = 3 * time.Second // for a version that has not come; the API server waits as long
	timesKept  = 2048
	statesKept = 8
	stateLasts = 5 * time.Minute // as etcd's history does, which the API server's tokens last for
)

// cached answers from the cache of a shared informer.
type cached struct {
	informer cache.SharedIndexInformer
	lister   listers.PodLister

	mu     sync.Mutex
	times  [][2]uint64
	states []state
}

// A state of the whole cache, kept for those who read it in pages.
type state struct {
	version string
	pods    []*corev1.Pod
	until   time.Time
}

func newCached(ctx context.Context, client kubernetes.Interface, scope string) *cached {
	factory := informers.NewSharedInformerFactoryWithOptions(
		client, 0, informers.WithNamespace(scope),
		informers.WithTransform(func(object any) (any, error) {
			if pod, ok := object.(*corev1.Pod); ok {
				setKind(pod)
			}
			return object, nil
		}))
	pods := factory.Core().V1().Pods()
	c := &cached{informer: pods.Informer(), lister: pods.Lister()}
	c.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    c.seen,
		UpdateFunc: func(_, now any) { c.seen(now) },
		DeleteFunc: c.seen,
	})
	factory.Start(ctx.Done())
	return c
}

// seen notes when a change came in, for the freshness probe.
func (c *cached) seen(object any) {
	pod, ok := object.(*corev1.Pod)
	var now unix.Timespec
	if !ok || unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.times) >= 2*timesKept {
		c.times = slices.Clone(c.times[timesKept:])
	}
	c.times = append(c.times, [2]uint64{number(pod.ResourceVersion), uint64(now.Nano() / 1000)})
}

func (c *cached) events(since uint64) [][2]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := [][2]uint64{}
	for _, one := range c.times {
		if one[0] >= since {
			found = append(found, one)
		}
	}
	return found
}

func (c *cached) ready(context.Context) error {
	if !c.informer.HasSynced() {
		return refusal{503, "the cache is not filled yet", 1, ""}
	}
	return nil
}

func (c *cached) version() string { return c.informer.GetStore().LastStoreSyncResourceVersion() }

// notOlderThan waits until the cache has reached a version.
func (c *cached) notOlderThan(ctx context.Context, version string) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	for began := time.Now(); number(c.version()) < number(version); {
		if time.Since(began) > waitFor {
			return refusal{504, fmt.Sprintf(
				"Timeout: Too large resource version: %s, current: %s", version, c.version()), 1, ""}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

func (c *cached) get(ctx context.Context, namespace, name, version string) (*corev1.Pod, error) {
	if err := c.notOlderThan(ctx, version); err != nil {
		return nil, err
	}
	pod, err := c.lister.Pods(namespace).Get(name)
	if err != nil {
		return nil, refusal{code: 404, message: fmt.Sprintf("pods %q not found", name)}
	}
	return pod, nil
}

func (c *cached) list(ctx context.Context, q query) (page, error) {
	version, match := q.options.ResourceVersion, q.options.ResourceVersionMatch
	var after position
	if q.options.Continue != "" {
		var err error
		if after, err = readToken(q.options.Continue, q.namespace); err != nil {
			return page{}, err
		}
		version, match = after.Version, metav1.ResourceVersionMatchExact
	} else if version == "0" {
		q.options.Limit = 0 // the API server's watch cache ignores it, too
	} else if match == "" && q.options.Limit > 0 {
		match = metav1.ResourceVersionMatchExact
	}
	if err := c.ready(ctx); err != nil {
		return page{}, err
	}
	if version != "" && version != "0" && match == metav1.ResourceVersionMatchExact {
		pods, found := c.at(version)
		if !found && q.options.Continue != "" {
			fresh := token(position{"", after.Namespace, after.Key})
			return page{}, refusal{410, expired, 0, fresh}
		}
		if !found {
			return page{}, refusal{code: 410, message: fmt.Sprintf(
				"The resourceVersion for the provided list is not held here: %s; the cache is at %s",
				version, c.version())}
		}
		return c.page(q, pods, version, after.Key), nil
	}
	if err := c.notOlderThan(ctx, version); err != nil {
		return page{}, err
	}
	if q.options.Limit > 0 || after.Key != "" {
		pods, version := c.present()
		return c.page(q, pods, version, after.Key), nil
	}
	version = c.version() // before the list: the pods are at least as new as it says
	pods, err := c.lister.Pods(q.namespace).List(q.labels)
	if err != nil {
		return page{}, err
	}
	return page{selected(pods, nil, q.fields), version, ""}, nil
}

// present returns all pods in order, and the version of a moment at which nothing came in.
func (c *cached) present() ([]*corev1.Pod, string) {
	for {
		version := c.version()
		pods, _ := c.lister.List(labels.Everything()) // the cache's lister fails for no selector
		if c.version() == version {
			return selected(pods, nil, fields.Everything()), version
		}
	}
}

// at returns the pods of a state that is the present one, or kept.
func (c *cached) at(version string) ([]*corev1.Pod, bool) {
	c.mu.Lock()
	for _, one := range c.states {
		if one.version == version && time.Now().Before(one.until) {
			c.mu.Unlock()
			return one.pods, true
		}
	}
	c.mu.Unlock()
	pods, now := c.present()
	return pods, now == version
}

// page cuts what a query selects of a state, from a key on, and keeps the state if there is more.
func (c *cached) page(q query, pods []*corev1.Pod, version, after string) page {
	found := selected(pods, q.labels, q.fields)
	found = slices.DeleteFunc(found, func(pod *corev1.Pod) bool {
		return key(pod) <= after || (q.namespace != "" && pod.Namespace != q.namespace)
	})
	limit := int(q.options.Limit)
	if limit == 0 || len(found) <= limit {
		return page{found, version, ""}
	}
	c.keep(state{version, pods, time.Now().Add(stateLasts)})
	last := key(found[limit-1])
	return page{found[:limit], version, token(position{version, q.namespace, last})}
}

func (c *cached) keep(kept state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states = slices.DeleteFunc(c.states, func(one state) bool {
		return one.version == kept.version || time.Now().After(one.until)
	})
	c.states = append(c.states, kept)
	c.states = c.states[max(0, len(c.states)-statesKept):]
}

// selected returns the pods that are selected, in the API server's order, in a slice of its own.
func selected(pods []*corev1.Pod, byLabels labels.Selector, byFields fields.Selector) []*corev1.Pod {
	found := make([]*corev1.Pod, 0, len(pods))
	for _, pod := range pods {
		if byLabels != nil && !byLabels.Matches(labels.Set(pod.Labels)) {
			continue
		}
		if byFields.Empty() || byFields.Matches(podFields(pod)) {
			found = append(found, pod)
		}
	}
	slices.SortFunc(found, func(a, b *corev1.Pod) int { return strings.Compare(key(a), key(b)) })
	return found
}

func key(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }
