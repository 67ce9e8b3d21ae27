"""jinja2 as it is set up here, whatever is written with it."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def strict_environment(package: str) -> Environment:
    """Return jinja2 over the ``templates`` of ``package``.

    Set to escape everything and to refuse names it does not know.
    """
    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
