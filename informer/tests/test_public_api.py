"""The package exports everything that its public signatures name."""

import inspect
import typing
from collections.abc import Iterator

import kube_informer

INTERNAL = {
    "Cancel",  # how the library ends its own requests
    "ExecPlugin",  # what ClientConfig makes of a kubeconfig
    "Kubeconfig",  # what ClientConfig loads
    "Delta",  # what an informer hands to its registrations
    "Leaf",  # what a snapshot is built of
    "Store",  # what an informer builds its registrations on
}


def _signatures(exported: object) -> Iterator[object]:
    if inspect.isfunction(exported):
        yield exported
    elif inspect.isclass(exported):
        yield exported
        for name, member in inspect.getmembers_static(exported):
            if name.startswith("_") and name != "__init__":
                continue
            if isinstance(member, property):
                yield member.fget
            elif isinstance(member, classmethod | staticmethod):
                yield member.__func__
            elif inspect.isfunction(member):
                yield member


def _own_classes(annotation: object) -> Iterator[type]:
    if inspect.isclass(annotation) and annotation.__module__.startswith("kube_informer."):
        yield annotation
    for part in typing.get_args(annotation):
        for one in part if isinstance(part, list) else [part]:
            yield from _own_classes(one)


def test_every_class_that_a_public_signature_names_can_be_imported_from_the_package():
    exported = {name: getattr(kube_informer, name) for name in kube_informer.__all__}
    named = {
        found
        for thing in exported.values()
        for signature in _signatures(thing)
        for annotation in typing.get_type_hints(signature).values()
        for found in _own_classes(annotation)
    }
    assert INTERNAL == {one.__qualname__ for one in named - set(exported.values())}
