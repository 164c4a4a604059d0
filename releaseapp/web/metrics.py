"""Figures for Prometheus: how long requests take, and whatever else the server's parts count."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pyramid.response import Response

from releaseapp.web.request import Request

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

Source = Callable[[], Iterable[Metric]]


class Metrics(Collector):
    """One server's figures. Parts that keep counts of their own are asked for them when somebody looks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.request_seconds = Histogram(
            "releaseapp_request_seconds",
            "Time to answer a request, by the view that answered it.",
            ["view", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.task_seconds = Histogram(
            "releaseapp_task_seconds",
            "Time that tasks took from claim to end, by how they ended.",
            ["outcome"],
            buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 3600),
            registry=self.registry,
        )
        self._sources: list[Source] = []
        self.registry.register(self)

    def add_source(self, source: Source) -> None:
        """Has ``source`` asked at every look."""
        self._sources.append(source)

    def collect(self) -> Iterable[Metric]:
        """What the sources say."""
        for source in self._sources:
            yield from source()

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering does not ask the sources."""
        return []

    def observe_task(self, outcome: str, seconds: float) -> None:
        """Counts a task that ended."""
        self.task_seconds.labels(outcome).observe(seconds)


def gauge(name: str, text: str, value: float) -> Metric:
    """One figure that goes up and down."""
    return GaugeMetricFamily(name, text, value=value)


def counter(name: str, text: str, label: str, values: dict[str, float]) -> Metric:
    """Figures that only grow, by label."""
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def named_view(view: Callable[[Any, Request], Response], info: Any) -> Callable[[Any, Request], Response]:
    """View deriver: tells the tween which view answered, since only Pyramid knows."""
    original = info.original_view
    module = getattr(original, "__module__", "").removeprefix("releaseapp.")
    name = f"{module}.{getattr(original, '__name__', type(original).__name__)}"

    def wrapper(context: Any, request: Request) -> Response:
        request.view_label = name
        return view(context, request)

    return wrapper


def timing_tween(handler: Callable[[Request], Response], registry: Any) -> Callable[[Request], Response]:
    """Measures every request."""
    labels = registry.metrics.request_seconds.labels
    known: dict[tuple[str, int], Any] = {}

    def tween(request: Request) -> Response:
        begin = time.perf_counter()
        response = handler(request)
        key = (request.view_label, response.status_int)
        observer = known.get(key)
        if observer is None:
            observer = known[key] = labels(*map(str, key))
        observer.observe(time.perf_counter() - begin)
        return response

    return tween


def includeme(config: Any) -> None:
    """Makes the figures, and has every request measured."""
    config.registry.metrics = Metrics()
    config.add_view_deriver(named_view, name="named_view")
    config.add_tween("releaseapp.web.metrics.timing_tween")
