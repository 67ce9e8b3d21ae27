package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

// A query is one list as a client asked for it, checked in the API server's order and words.
type query struct {
	namespace string // empty for all
	labels    labels.Selector
	fields    fields.Selector
	options   metav1.ListOptions
}

func readQuery(c *gin.Context, scope string) (query, error) {
	q := query{options: metav1.ListOptions{
		LabelSelector:        c.Query("labelSelector"),
		FieldSelector:        c.Query("fieldSelector"),
		ResourceVersionMatch: metav1.ResourceVersionMatch(c.Query("resourceVersionMatch")),
		Continue:             c.Query("continue"),
	}}
	var err error
	if q.namespace, err = namespaceOf(c, scope); err != nil {
		return q, err
	}
	if given, there := c.GetQuery("limit"); there {
		limit, err := strconv.ParseInt(given, 10, 64)
		if err != nil {
			return q, bad(strings.Replace(err.Error(), "strconv.Atoi", "strconv.ParseInt", 1))
		}
		q.options.Limit = max(limit, 0)
	}
	if q.labels, err = labels.Parse(q.options.LabelSelector); err != nil {
		return q, bad(err.Error())
	}
	if q.fields, err = fields.ParseSelector(q.options.FieldSelector); err != nil {
		return q, bad(err.Error())
	}
	if q.fields, err = q.fields.Transform(podField); err != nil {
		return q, bad(err.Error())
	}
	version := c.Query("resourceVersion")
	faults := validation.ValidateListOptions(&internalversion.ListOptions{
		ResourceVersion:      version,
		ResourceVersionMatch: q.options.ResourceVersionMatch,
		Continue:             q.options.Continue,
	}, true)
	if len(faults) > 0 {
		return q, refusal{code: 422, message: fmt.Sprintf(
			"ListOptions.meta.k8s.io \"\" is invalid: %v", faults.ToAggregate())}
	}
	if q.options.ResourceVersion, err = versionOf(version, "invalid resource version: "); err != nil {
		return q, err
	}
	if q.options.Continue != "" {
		if q.options.ResourceVersion != "" && q.options.ResourceVersion != "0" {
			return q, bad("specifying resource version is not allowed when using continue")
		}
		q.options.ResourceVersion = ""
	}
	return q, nil
}

func namespaceOf(c *gin.Context, scope string) (string, error) {
	namespace := valid(c.Param("namespace"))
	if scope != "" && namespace != "" && namespace != scope {
		return "", refusal{code: 403, message: fmt.Sprintf(
			"namespace %q is not served here: this server was started for namespace %q alone "+
				"(--namespace)", namespace, scope)}
	}
	if namespace == "" {
		return scope, nil
	}
	return namespace, nil
}

// versionOf returns a resourceVersion without leading zeros; empty stays empty.
func versionOf(text, prefix string) (string, error) {
	if text == "" {
		return "", nil
	}
	version, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return "", bad(fmt.Sprintf("%sresourceVersion: Invalid value: %q: %v", prefix, text, err))
	}
	return strconv.FormatUint(version, 10), nil
}

func bad(message string) refusal { return refusal{code: 400, message: message} }

func number(version string) uint64 {
	found, _ := strconv.ParseUint(version, 10, 64) // empty is 0
	return found
}

// podField names a field of pods that a selector may ask for, as pkg/apis/core/v1/conversion.go of
// Kubernetes has them.
func podField(label, value string) (string, string, error) {
	switch label {
	case "metadata.name", "metadata.namespace", "spec.nodeName", "spec.restartPolicy",
		"spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase",
		"status.podIP", "status.podIPs", "status.nominatedNodeName":
		return label, value, nil
	case "spec.host":
		return "spec.nodeName", value, nil
	}
	return "", "", fmt.Errorf("field label not supported: %s", label)
}

// podFields are the values of a pod's fields, as pkg/registry/core/pod/strategy.go has them.
func podFields(pod *corev1.Pod) fields.Set {
	address := ""
	if len(pod.Status.PodIPs) > 0 {
		address = pod.Status.PodIPs[0].IP
	}
	return fields.Set{
		"metadata.name":            pod.Name,
		"metadata.namespace":       pod.Namespace,
		"spec.nodeName":            pod.Spec.NodeName,
		"spec.restartPolicy":       string(pod.Spec.RestartPolicy),
		"spec.schedulerName":       pod.Spec.SchedulerName,
		"spec.serviceAccountName":  pod.Spec.ServiceAccountName,
		"spec.hostNetwork":         strconv.FormatBool(pod.Spec.HostNetwork),
		"status.phase":             string(pod.Status.Phase),
		"status.podIP":             address,
		"status.nominatedNodeName": pod.Status.NominatedNodeName,
	}
}
