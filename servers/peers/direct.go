package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// direct asks the API server on every request. The request is the one that the typed client makes,
// protobuf and all, but for its retries.
type direct struct {
	client rest.Interface
	scope  string
}

func (d direct) request(namespace string) *rest.Request {
	return d.client.Get().
		UseProtobufAsDefault().
		MaxRetries(0).
		NamespaceIfScoped(namespace, namespace != "").
		Resource("pods")
}

func (d direct) list(ctx context.Context, q query) (page, error) {
	var found corev1.PodList
	err := d.request(q.namespace).
		VersionedParams(&q.options, scheme.ParameterCodec).
		Do(ctx).Into(&found)
	if err != nil {
		return page{}, err
	}
	for i := range found.Items {
		setKind(&found.Items[i])
	}
	if found.Items == nil {
		found.Items = []corev1.Pod{}
	}
	return page{found.Items, found.ResourceVersion, found.Continue}, nil
}

func (d direct) get(ctx context.Context, namespace, name, version string) (*corev1.Pod, error) {
	var pod corev1.Pod
	err := d.request(namespace).
		Name(name).
		VersionedParams(&metav1.GetOptions{ResourceVersion: version}, scheme.ParameterCodec).
		Do(ctx).Into(&pod)
	setKind(&pod)
	return &pod, err
}

func (d direct) events(uint64) [][2]uint64 { return [][2]uint64{} }

// ready asks for one pod: shows that the API server answers and lets this account read.
func (d direct) ready(ctx context.Context) error {
	_, err := d.list(ctx, query{namespace: d.scope, options: metav1.ListOptions{Limit: 1}})
	return err
}

// setKind gives a pod what the items of a list, and all that comes as protobuf, lack.
func setKind(pod *corev1.Pod) { pod.Kind, pod.APIVersion = "Pod", "v1" }
