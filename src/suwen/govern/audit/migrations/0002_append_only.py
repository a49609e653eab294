"""Triggers that refuse to change or remove an entry of the audit."""

from typing import Any

from django.db import migrations

SQLITE = [
    f"CREATE TRIGGER audit_entry_no_{way} BEFORE {way} ON audit_entry BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END"
    for way in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    "CREATE FUNCTION audit_only_appended() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'the audit is only appended to'; END $$ LANGUAGE plpgsql",
    "CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_only_appended()",
    "CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_only_appended()",
]


def make(apps: Any, editor: Any) -> None:
    """Make the triggers of the database in use."""
    for text in {"sqlite": SQLITE, "postgresql": POSTGRESQL}[editor.connection.vendor]:
        editor.execute(text)


class Migration(migrations.Migration):
    """The triggers."""

    dependencies: list[tuple[str, str]] = [("audit", "0001_initial")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
