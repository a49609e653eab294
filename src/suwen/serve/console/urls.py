"""Addresses of the console."""

from django.urls import path

from suwen.serve.console.views import data, indicators, organisations, overview, persons, quarantine, records, words

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("indicators", indicators.catalogue, name="indicators"),
    path("indicators/<slug:code>", indicators.indicator, name="indicator"),
    path("indicators/<slug:code>/why", indicators.why, name="indicator-why"),
    path("indicators/<slug:code>/records", indicators.records, name="indicator-records"),
    path("indicators/<slug:code>/made-of", indicators.made_of, name="indicator-made-of"),
    path("organisations", organisations.organisations, name="organisations"),
    path("organisations/<str:unit>", organisations.organisation, name="organisation"),
    path("records/<slug:table>/<str:row>", records.record, name="record"),
    path("persons/<int:person>", persons.person, name="person"),
    path("feeds", data.feeds, name="feeds"),
    path("feeds/<str:name>", data.feed, name="feed"),
    path("templates", data.templates, name="templates"),
    path("templates/<path:name>", data.template, name="template"),
    path("releases", data.releases, name="releases"),
    path("releases/<int:number>", data.release, name="release"),
    path("quarantine", quarantine.desk, name="quarantine"),
    path("quarantine/replay", quarantine.again, name="replay"),
    path("glossary", words.glossary, name="glossary"),
    path("search", words.found, name="search"),
    path("search/hits", words.hits, name="search-hits"),
]
