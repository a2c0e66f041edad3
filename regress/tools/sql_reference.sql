-- Writes docs/sql-reference.md, from the catalog of a database that has the extension: psql -XAtq -f THIS
\echo '# SQL reference'
\echo 'Everything in schema `triage`, in the words of its own `COMMENT`s. "May" names the roles that have the right;'
\echo '`triage_operator` has all that `triage_reader` has. Settings are in [settings](settings.md).'
\echo ''
\echo '## Functions and procedures'
WITH object AS (
    SELECT p.oid, p.proname, p.prokind,
           regexp_replace(pg_get_function_arguments(p.oid), '(, )?OUT [^,]+', '', 'g') AS arguments,
           (SELECT '(' || string_agg(name || ' ' || format_type(type, NULL), ', ' ORDER BY place) || ')'
              FROM unnest(p.proargnames, p.proallargtypes, p.proargmodes::text[])
                   WITH ORDINALITY argument(name, type, mode, place)
             WHERE mode IN ('o', 't')) AS columns,
           pg_get_function_result(p.oid) AS result,
           obj_description(p.oid, 'pg_proc') AS comment,
           (SELECT string_agg(grantee, ', ' ORDER BY grantee)
              FROM (SELECT CASE WHEN a.grantee = 0 THEN 'everybody' ELSE '`' || a.grantee::regrole || '`' END AS grantee
                      FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                     WHERE a.privilege_type = 'EXECUTE' AND a.grantee <> p.proowner) grantees) AS may
      FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
      JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
     WHERE e.extname = 'pg_triage' AND p.prorettype <> 'trigger'::regtype
)
SELECT format(E'### %s\n```sql\n%s triage.%s(%s)%s\n```\n%s. May: %s.\n', proname,
              CASE prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END, proname,
              arguments, CASE WHEN columns IS NOT NULL THEN E'\n-- ' || columns
                                WHEN result IS NOT NULL THEN E'\n-- ' || result ELSE '' END,
              upper(left(comment, 1)) || substr(comment, 2), coalesce(may, 'superusers'))
  FROM object ORDER BY proname COLLATE "C", arguments COLLATE "C";
\echo '## Views and tables'
WITH object AS (
    SELECT c.oid, c.relname, CASE c.relkind WHEN 'v' THEN 'View' ELSE 'Table' END AS kind,
           obj_description(c.oid, 'pg_class') AS comment,
           (SELECT string_agg(grantee || ' (' || privileges || ')', ', ' ORDER BY grantee)
              FROM (SELECT CASE WHEN a.grantee = 0 THEN 'everybody' ELSE '`' || a.grantee::regrole || '`' END AS grantee,
                           string_agg(lower(a.privilege_type), ', ' ORDER BY a.privilege_type) AS privileges
                      FROM aclexplode(c.relacl) a
                     WHERE a.grantee <> c.relowner GROUP BY a.grantee) grantees) AS may
      FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
      JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
     WHERE e.extname = 'pg_triage' AND c.relkind IN ('v', 'r')
)
SELECT format(E'### %s\n%s: %s. May: %s.\n\n| column | type | |\n|---|---|---|\n%s\n', relname, kind, comment,
              coalesce(may, 'superusers'),
              (SELECT string_agg(format('| `%s` | %s | %s |', a.attname, format_type(a.atttypid, a.atttypmod),
                                        replace(coalesce(col_description(object.oid, a.attnum), ''), '|', '\|')),
                                 E'\n' ORDER BY a.attnum)
                 FROM pg_attribute a WHERE a.attrelid = object.oid AND a.attnum > 0 AND NOT a.attisdropped))
  FROM object ORDER BY relname COLLATE "C";
