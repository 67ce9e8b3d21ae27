"""Routes: found by name and deterministic; a new route is one new file."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.load import routes
from bench.load.routes import Ask, Route, RouteError
from bench.model import Targets

TARGETS = Targets(
    namespaces=("team-a", "team-b"),
    pods=(("team-a", "web-0"), ("team-a", "web-1"), ("team-b", "db-0")),
    label_selectors=("app=web,tier in (a, b)", "app=db"),
)
NOTHING = Targets(namespaces=(), pods=(), label_selectors=())


def test_every_route_is_found_by_its_name_and_describes_itself():
    expected = ("dashboard-mix", "label-selector", "list-all", "one-namespace", "one-pod")
    assert expected == routes.names()
    for name in routes.names():
        route = routes.load(name)
        assert name == route.name
        assert len(route.description) > 20


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("list-all", [("/pods", "/pods")]),
        (
            "one-namespace",
            [("/pods/team-a", "/pods/<namespace>"), ("/pods/team-b", "/pods/<namespace>")],
        ),
        (
            "one-pod",
            [
                ("/pods/team-a/web-0", "/pods/<namespace>/<name>"),
                ("/pods/team-a/web-1", "/pods/<namespace>/<name>"),
                ("/pods/team-b/db-0", "/pods/<namespace>/<name>"),
            ],
        ),
        (
            "label-selector",
            [
                (
                    "/pods?labelSelector=app%3Dweb%2Ctier%20in%20%28a%2C%20b%29",
                    "/pods?labelSelector=<selector>",
                ),
                ("/pods?labelSelector=app%3Ddb", "/pods?labelSelector=<selector>"),
            ],
        ),
    ],
)
def test_a_route_asks_for_its_part_of_the_targets(name, expected):
    asks = routes.load(name).asks(TARGETS)
    assert expected == [(ask.path, ask.label) for ask in asks]
    assert {1.0} == {ask.weight for ask in asks}


def test_the_dashboard_mix_keeps_its_shares_whatever_the_number_of_targets():
    asks = routes.load("dashboard-mix").asks(TARGETS)
    shares = {}
    for ask in asks:
        shares[ask.label] = shares.get(ask.label, 0) + ask.weight
    expected = {
        "/pods/<namespace>/<name>": 60,
        "/pods/<namespace>": 25,
        "/pods?labelSelector=<selector>": 10,
        "/pods": 5,
    }
    assert expected == pytest.approx(shares)


def test_equal_targets_give_equal_asks():
    for name in routes.names():
        assert routes.load(name).asks(TARGETS) == routes.load(name).asks(TARGETS)


def test_an_unknown_route_is_answered_with_the_nearest_one_and_all_names():
    with pytest.raises(RouteError, match=r"'list_al'; did you mean 'list-all'\?.*one-pod"):
        routes.load("list_al")


def test_a_route_with_nothing_to_ask_for_reports_the_numbers_of_targets():
    with pytest.raises(RouteError, match=r"'one-pod' finds nothing .* 0 namespaces, 0 pods"):
        routes.load("one-pod").asks(NOTHING)


def test_a_weight_that_is_not_positive_is_refused():
    route = Route("bad", "A bad route.", lambda targets: (Ask("/pods", 0.0, "/pods"),))
    with pytest.raises(RouteError, match=r"weight 0\.0"):
        route.asks(TARGETS)


@pytest.fixture
def new_route_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(routes, "__path__", [*routes.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("bench.load.routes.new_")]:
        del sys.modules[name]


def test_a_new_route_is_one_new_file(new_route_folder):
    (new_route_folder / "new_first_pod.py").write_text(
        '"""The first pod."""\n'
        "from bench.load.routes import Ask\n"
        "def asks(targets):\n"
        "    namespace, name = targets.pods[0]\n"
        "    return (Ask(f'/pods/{namespace}/{name}', 1.0, '/pods/<namespace>/<name>'),)\n"
    )
    assert "new-first-pod" in routes.names()
    route = routes.load("new-first-pod")
    assert "The first pod." == route.description
    assert (Ask("/pods/team-a/web-0", 1.0, "/pods/<namespace>/<name>"),) == route.asks(TARGETS)


def test_a_file_that_is_no_route_is_named(new_route_folder):
    (new_route_folder / "new_broken.py").write_text('"""Not a route."""\n')
    with pytest.raises(RouteError, match=r"new_broken\.py is no route: it lacks a function asks"):
        routes.load("new-broken")


@pytest.mark.parametrize("module", ["routes", "driver", "spec", "protocol", "recorder"])
def test_modules_for_the_harness_import_neither_locust_nor_gevent(module):
    program = (
        f"import sys, bench.load.{module} as m\n"
        "if hasattr(m, 'load'): [m.load(name) for name in m.names()]\n"
        "print(sorted({'locust', 'gevent'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(bench.__file__).parents[1],
    )
    assert "[]" == done.stdout.strip()
