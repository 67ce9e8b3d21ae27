"""``typed``: asks the API server on every request, through the official client's models.

The usual way in Python: each pod becomes a tree of model objects, and each of those
JSON again. The answers are the same; their cost is not.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from servers.models import FAILURES, REQUEST_TIMEOUT, refusal, to_json, typed_client
from servers.server import Contract, Server, Settings
from servers.source import Pod, PodPage, PodQuery, PodSource

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api


class TypedSource(PodSource):
    """Pods from the API server as ``V1Pod``. The readiness check reads ``namespace``."""

    def __init__(self, api: "CoreV1Api", namespace: str | None) -> None:
        self._api = api
        self._namespace = namespace

    def close(self) -> None:
        """Close the idle connections."""
        self._api.api_client.rest_client.close()

    def list_pods(self, query: PodQuery) -> PodPage:
        """List at the API server; see :class:`servers.source.PodSource`."""
        pods = self._list(query.namespace, _arguments(query))
        body = b",".join([to_json(pod) for pod in pods.items])
        return PodPage(
            [body] if body else [],
            pods.metadata.resource_version or "",
            pods.metadata.var_continue or "",
        )

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        """Get one pod at the API server; see :class:`servers.source.PodSource`."""
        try:
            pod = self._read(namespace, name, resource_version)
        except FAILURES as error:
            raise refusal(error) from error
        return Pod([to_json(pod)], pod.metadata.resource_version)

    def _read(self, namespace: str, name: str, resource_version: str) -> Any:  # noqa: ANN401 - V1Pod, untyped
        if not resource_version:
            return self._api.read_namespaced_pod(name, namespace, _request_timeout=REQUEST_TIMEOUT)
        # The generated call does not know that the API server takes a version here.
        client = self._api.api_client
        request = client.param_serialize(
            method="GET",
            resource_path="/api/v1/namespaces/{namespace}/pods/{name}",
            path_params={"namespace": namespace, "name": name},
            query_params=[("resourceVersion", resource_version)],
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        response = client.call_api(*request, _request_timeout=REQUEST_TIMEOUT)
        response.read()
        return client.response_deserialize(response, {"200": "V1Pod"}).data

    def check_ready(self) -> None:
        """List one pod, as ``direct`` does."""
        self._list(self._namespace, {"limit": 1})

    def _list(self, namespace: str | None, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - V1PodList, untyped
        call = self._api.list_pod_for_all_namespaces
        if namespace is not None:
            call = partial(self._api.list_namespaced_pod, namespace)
        try:
            return call(_request_timeout=REQUEST_TIMEOUT, **arguments)
        except FAILURES as error:
            raise refusal(error) from error


def _arguments(query: PodQuery) -> dict[str, Any]:
    parameters = {
        "label_selector": query.label_selector,
        "field_selector": query.field_selector,
        "limit": query.limit,
        "_continue": query.continue_token,
        "resource_version": query.resource_version,
        "resource_version_match": query.resource_version_match,
    }
    return {name: value for name, value in parameters.items() if value}


def _build(settings: Settings, registry: CollectorRegistry) -> PodSource:
    return TypedSource(typed_client(settings, registry), settings.namespace)


SERVER = Server(
    "direct",
    "asks the API server on every request, through the official client's models",
    _build,
    contract=Contract.CONTENT,
)
