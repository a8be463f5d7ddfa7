"""What PostgreSQL's catalogue knows of one schema: read once, told as DDL (to make another) or as lines (to compare).

Everything is read with the schema alone on the search path, so that its own objects appear without its
name and all others with theirs: the statements fit any schema, and two equal schemas give equal lines.
What the reader cannot tell as DDL (partitions, rules, types, …) is refused by name, never left out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

Row = tuple[Any, ...]


class NotReproducible(Exception):
    """The schema holds something `statements` cannot write down; the text names it."""


def quoted(name: str) -> str:
    """A PostgreSQL identifier, always quoted."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def only(*schemas: str) -> Iterator[Any]:
    """A cursor in a transaction whose search path is `schemas` alone; afterwards the path is as before."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        before = cursor.fetchone()[0]
        cursor.execute("SELECT set_config('search_path', %s, true)", [", ".join(quoted(s) for s in schemas)])
        yield cursor
        cursor.execute("SELECT set_config('search_path', %s, true)", [before])


TABLES = """
SELECT c.relname, obj_description(c.oid, 'pg_class'), pg_get_userbyid(c.relowner),
       (SELECT array_agg(CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text END
                         || ' ' || x.privilege_type ORDER BY 1) FROM aclexplode(c.relacl) x)
FROM pg_class c WHERE c.relnamespace = %(oid)s AND c.relkind = 'r' ORDER BY c.relname
"""
COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
       a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid),
       CASE WHEN a.attcollation <> t.typcollation
            THEN (SELECT quote_ident(k.nspname) || '.' || quote_ident(o.collname)
                  FROM pg_collation o JOIN pg_namespace k ON k.oid = o.collnamespace WHERE o.oid = a.attcollation) END,
       s.relname, q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle,
       n.conname, col_description(c.oid, a.attnum)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_depend i ON i.refclassid = 'pg_class'::regclass AND i.refobjid = c.oid AND i.refobjsubid = a.attnum
     AND i.classid = 'pg_class'::regclass AND i.deptype = 'i' AND a.attidentity <> ''
LEFT JOIN pg_class s ON s.oid = i.objid AND s.relkind = 'S'
LEFT JOIN pg_sequence q ON q.seqrelid = s.oid
LEFT JOIN pg_constraint n ON n.conrelid = c.oid AND n.contype = 'n' AND n.conkey = ARRAY[a.attnum]
WHERE c.relnamespace = %(oid)s AND c.relkind = 'r'
ORDER BY c.relname, a.attnum
"""
CONSTRAINTS = """
SELECT c.relname, k.conname, k.contype::text, pg_get_constraintdef(k.oid), k.convalidated,
       f.relname, f.relnamespace = c.relnamespace
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_class f ON f.oid = k.confrelid
WHERE c.relnamespace = %(oid)s AND c.relkind = 'r' AND k.contype IN ('p', 'u', 'x', 'c', 'f')
ORDER BY c.relname, k.contype <> 'p', k.conname
"""
INDEXES = """
SELECT c.relname, i.relname, pg_get_indexdef(x.indexrelid), x.indisvalid
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
WHERE c.relnamespace = %(oid)s AND c.relkind = 'r'
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')
                  AND k.conrelid = x.indrelid)
ORDER BY c.relname, i.relname
"""
SEQUENCES = """
SELECT s.relname, format_type(q.seqtypid, NULL), q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle,
       t.relname, a.attname
FROM pg_class s JOIN pg_sequence q ON q.seqrelid = s.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype = 'a'
     AND d.refclassid = 'pg_class'::regclass
LEFT JOIN pg_class t ON t.oid = d.refobjid
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE s.relnamespace = %(oid)s AND s.relkind = 'S'
  AND NOT EXISTS (SELECT 1 FROM pg_depend i WHERE i.classid = 'pg_class'::regclass AND i.objid = s.oid
                  AND i.deptype = 'i' AND i.refclassid = 'pg_class'::regclass)
ORDER BY s.relname
"""
FUNCTIONS = """
SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
WHERE p.pronamespace = %(oid)s AND p.prokind IN ('f', 'p') ORDER BY p.oid
"""
VIEWS = """
SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class c
WHERE c.relnamespace = %(oid)s AND c.relkind = 'v' ORDER BY c.oid
"""
TRIGGERS = """
SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid, true), t.tgenabled::text
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %(oid)s AND NOT t.tgisinternal ORDER BY c.relname, t.tgname
"""
STRANGERS = """
SELECT 'relation ' || c.relname || ' of kind ' || c.relkind::text FROM pg_class c
 WHERE c.relnamespace = %(oid)s AND c.relkind NOT IN ('r', 'i', 'S', 'v', 't', 'c')
UNION ALL SELECT 'type ' || t.typname FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
 WHERE t.typnamespace = %(oid)s AND t.typcategory <> 'A' AND (t.typrelid = 0 OR c.relkind = 'c')
UNION ALL SELECT 'aggregate ' || p.proname FROM pg_proc p WHERE p.pronamespace = %(oid)s AND p.prokind IN ('a', 'w')
UNION ALL SELECT 'inheritance of ' || c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
 WHERE c.relnamespace = %(oid)s
UNION ALL SELECT 'rule ' || r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
 WHERE c.relnamespace = %(oid)s AND c.relkind = 'r'
UNION ALL SELECT 'row security of ' || c.relname FROM pg_class c
 WHERE c.relnamespace = %(oid)s AND c.relkind = 'r' AND (c.relrowsecurity OR c.reloptions IS NOT NULL)
UNION ALL SELECT 'statistics ' || e.stxname FROM pg_statistic_ext e WHERE e.stxnamespace = %(oid)s
UNION ALL SELECT 'column grant on ' || c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = %(oid)s AND a.attacl IS NOT NULL
"""
LINES = ("tables", "columns", "constraints", "indexes", "sequences", "functions", "views", "triggers")


@dataclass
class Shape:
    """One schema as the catalogue tells it; rows in the order of the queries above."""

    schema: str
    tables: list[Row] = field(default_factory=list)
    columns: list[Row] = field(default_factory=list)
    constraints: list[Row] = field(default_factory=list)
    indexes: list[Row] = field(default_factory=list)
    sequences: list[Row] = field(default_factory=list)
    functions: list[Row] = field(default_factory=list)
    views: list[Row] = field(default_factory=list)
    triggers: list[Row] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    migrations: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """One line per table, column, constraint, index, sequence, function, view, trigger and migration, sorted.

        The place of a column counts, its number does not: a dropped column leaves a hole that a copy has not.
        """
        told: list[str] = []
        place: dict[str, int] = defaultdict(int)
        for kind in LINES:
            for row in getattr(self, kind):
                rank = ""
                if kind == "columns":
                    place[row[0]] += 1
                    rank = f"#{place[row[0]]} "
                told.append(f"{kind[:-1]} {rank}" + " | ".join("" if v is None else str(v) for v in row))
        told += [f"stranger {what}" for what in self.strangers]
        told += [f"migration {name}" for name in self.migrations]
        return sorted(line.replace(f"{quoted_if_needed(self.schema)}.", "") for line in told)


def quoted_if_needed(name: str) -> str:
    """As PostgreSQL's quote_ident writes the names we give to schemas (lower case, digits, underscore)."""
    return name if name.replace("_", "a").isalnum() and name == name.lower() and not name[0].isdigit() else quoted(name)


def fingerprint(lines: Sequence[str]) -> str:
    """32 hexadecimal characters that stand for the lines."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def differences(expected: Sequence[str], found: Sequence[str], *, limit: int = 20) -> list[str]:
    """What a schema lacks (-) and has too much (+) against the expected lines, at most `limit` of them."""
    missing, extra = set(expected) - set(found), set(found) - set(expected)
    return [*(f"- {line}" for line in sorted(missing)), *(f"+ {line}" for line in sorted(extra))][:limit]


def exists(schema: str) -> bool:
    """Whether a schema of this name is there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema])
        return cursor.fetchone() is not None


def read(schema: str) -> Shape:
    """Read the whole shape of `schema` (about ten catalogue queries). An unknown schema has no tables."""
    shape = Shape(schema)
    with only(schema) as cursor:
        cursor.execute("SELECT oid FROM pg_namespace WHERE nspname = %s", [schema])
        found = cursor.fetchone()
        if found is None:
            return shape
        of = {"oid": found[0]}
        for kind, query in zip(
            LINES, (TABLES, COLUMNS, CONSTRAINTS, INDEXES, SEQUENCES, FUNCTIONS, VIEWS, TRIGGERS), strict=True
        ):
            cursor.execute(query, of)
            getattr(shape, kind).extend(cursor.fetchall())
        cursor.execute(STRANGERS, of)
        shape.strangers = [row[0] for row in cursor.fetchall()]
        if any(row[0] == "django_migrations" for row in shape.tables):
            cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
            shape.migrations = [row[0] for row in cursor.fetchall()]
    return shape


def statements(schema: str) -> list[str]:
    """DDL and seed rows that make an equal schema when run one after the other with it alone on the search path.

    Constraint, index and sequence names are kept; unique, check and backward foreign keys are part of
    CREATE TABLE. Each statement stands alone, so a sharding engine can be given them one by one.
    Raises NotReproducible.
    """
    shape = read(schema)
    if shape.strangers:
        raise NotReproducible("; ".join(shape.strangers))
    written = [_create_sequence(row) for row in shape.sequences]
    written += [_unprefixed(text, schema, "FUNCTION", "PROCEDURE") for _name, text in shape.functions]
    columns, constraints = _by_table(shape.columns), _by_table(shape.constraints)
    late: list[str] = []
    made: set[str] = set()
    for table in _creation_order([row[0] for row in shape.tables], constraints):
        made.add(table)
        parts = [_column(row) for row in columns[table]]
        for _table, name, kind, text, validated, target, inside in constraints[table]:
            if kind == "f" and not inside:
                raise NotReproducible(f"foreign key {name} of {table} leaves the schema")
            if validated and (kind != "f" or target in made):
                parts.append(f"CONSTRAINT {quoted(name)} {text}")
            else:
                late.append(f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {quoted(name)} {text}")
        written.append(f"CREATE TABLE {quoted(table)} ({', '.join(parts)})")
    written += late
    for table, name, text, valid in shape.indexes:
        if not valid:
            raise NotReproducible(f"index {name} of {table} is not valid")
        written.append(_unprefixed(text, schema, "ON", "ON ONLY"))
    written += [
        f"ALTER SEQUENCE {quoted(row[0])} OWNED BY {quoted(row[8])}.{quoted(row[9])}"
        for row in shape.sequences
        if row[8]
    ]
    written += [f"CREATE VIEW {quoted(name)} AS {text.rstrip(';')}" for name, text in shape.views]
    written += list(_rows(schema, shape))
    for table, name, text, enabled in shape.triggers:
        if enabled != "O":
            raise NotReproducible(f"trigger {name} of {table} is switched off")
        written.append(text)
    written += list(_comments_and_grants(shape))
    return written


def _by_table(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row)
    return grouped


def _creation_order(tables: list[str], constraints: defaultdict[str, list[Row]]) -> Iterator[str]:
    """Tables so that as many foreign keys as possible point backwards; a circle is broken at its first name."""
    waits = {t: {row[5] for row in constraints[t] if row[2] == "f" and row[5] != t} for t in tables}
    while waits:
        free = [t for t in waits if not waits[t] & waits.keys()] or [min(waits)]
        for table in free:
            del waits[table]
            yield table


def _column(row: Row) -> str:
    (_t, name, kind, required, identity, generated, default, collation, sequence, *options, required_name, _c) = row
    text = f"{quoted(name)} {kind}"
    if collation:
        text += f" COLLATE {collation}"
    if identity:
        when = "ALWAYS" if identity == "a" else "BY DEFAULT"
        text += f" GENERATED {when} AS IDENTITY (SEQUENCE NAME {quoted(sequence)} {_sequence_options(options)})"
    elif generated:
        text += f" GENERATED ALWAYS AS ({default}) {'STORED' if generated == 's' else 'VIRTUAL'}"
    elif default is not None:
        text += f" DEFAULT {default}"
    if required:
        text += f" CONSTRAINT {quoted(required_name)} NOT NULL" if required_name else " NOT NULL"
    return text


def _sequence_options(options: Sequence[Any]) -> str:
    start, step, low, high, cache, cycle = options
    return (
        f"START WITH {start} INCREMENT BY {step} MINVALUE {low} MAXVALUE {high} CACHE {cache}"
        f" {'CYCLE' if cycle else 'NO CYCLE'}"
    )


def _create_sequence(row: Row) -> str:
    return f"CREATE SEQUENCE {quoted(row[0])} AS {row[1]} {_sequence_options(row[2:8])}"


def _unprefixed(text: str, schema: str, *words: str) -> str:
    """`text` without the schema name that PostgreSQL writes behind one of `words` in any case."""
    for word in words:
        for name in (quoted_if_needed(schema), quoted(schema)):
            head, found, tail = text.partition(f" {word} {name}.")
            if found:
                return f"{head} {word} {tail}"
    raise NotReproducible(f"cannot take the schema name out of: {text[:200]}")


def _rows(schema: str, shape: Shape) -> Iterator[str]:
    """INSERTs for the rows of the schema (seed data, django_migrations) and where its sequences stand."""
    with only(schema) as cursor:
        for table, columns in _by_table(shape.columns).items():
            names = [row[1] for row in columns if not row[5]]
            texts = ", ".join(f"quote_nullable({quoted(n)}::text)" for n in names)
            cursor.execute(f"SELECT {texts} FROM {quoted(table)} ORDER BY ctid")  # noqa: S608 - names from the catalogue
            rows = cursor.fetchall()
            if rows:
                values = ", ".join(f"({', '.join(row)})" for row in rows)
                heads = ", ".join(quoted(n) for n in names)
                yield f"INSERT INTO {quoted(table)} ({heads}) OVERRIDING SYSTEM VALUE VALUES {values}"  # noqa: S608
        cursor.execute(
            "SELECT sequencename, last_value + increment_by FROM pg_sequences"
            " WHERE schemaname = %s AND last_value IS NOT NULL ORDER BY 1",
            [schema],
        )
        for name, following in cursor.fetchall():
            yield f"ALTER SEQUENCE {quoted(name)} RESTART WITH {following}"


def _comments_and_grants(shape: Shape) -> Iterator[str]:
    for table, comment, owner, grants in shape.tables:
        if comment:
            yield f"COMMENT ON TABLE {quoted(table)} IS {_literal(comment)}"
        if grants:
            yield f"REVOKE ALL ON TABLE {quoted(table)} FROM {quoted(owner)}"
            for grant in grants:
                role, _, privilege = grant.rpartition(" ")
                yield f"GRANT {privilege} ON TABLE {quoted(table)} TO {role if role == 'PUBLIC' else quoted(role)}"
    for row in shape.columns:
        if row[-1]:
            yield f"COMMENT ON COLUMN {quoted(row[0])}.{quoted(row[1])} IS {_literal(row[-1])}"


def _literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
