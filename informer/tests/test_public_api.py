"""The package exports everything that its public signatures name."""

import inspect
import typing
from collections.abc import Iterator

import kube_informer

INTERNAL = {
    "Cancel",  # ends the library's own requests
    "ExecPlugin",  # made by ClientConfig from a kubeconfig
    "PairFiles",  # made by ClientConfig from a kubeconfig
    "Kubeconfig",  # loaded by ClientConfig
    "Delta",  # passed by an informer to its registrations
    "Leaf",  # the part of a snapshot
    "Store",  # the base of an informer's registrations
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
        for nested in part if isinstance(part, list) else [part]:
            yield from _own_classes(nested)


def test_every_class_that_a_public_signature_names_can_be_imported_from_the_package():
    exported = {name: getattr(kube_informer, name) for name in kube_informer.__all__}
    named = {
        class_
        for value in exported.values()
        for signature in _signatures(value)
        for annotation in typing.get_type_hints(signature).values()
        for class_ in _own_classes(annotation)
    }
    assert INTERNAL == {class_.__qualname__ for class_ in named - set(exported.values())}
