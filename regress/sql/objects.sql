-- Every object of the extension says what it is, and nobody may do anything who was not granted it.
CREATE EXTENSION pg_triage CASCADE;

-- Without a comment (columns, constraints and identity sequences are their table's business).
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
  FROM pg_depend d
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_triage'
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
   AND d.classid IN ('pg_class'::regclass, 'pg_proc'::regclass)
   AND NOT EXISTS (SELECT FROM pg_class c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind = 'S')
   AND obj_description(d.objid, (SELECT c.relname FROM pg_class c WHERE c.oid = d.classid)) IS NULL
 ORDER BY 1;

-- Functions that everyone may call (version() only), and relations that everyone may read or change.
SELECT p.oid::regprocedure AS open_function
  FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
 WHERE p.pronamespace = 'triage'::regnamespace AND a.grantee = 0
 ORDER BY p.proname;
SELECT c.oid::regclass AS open_relation, a.privilege_type
  FROM pg_class c, aclexplode(c.relacl) a
 WHERE c.relnamespace = 'triage'::regnamespace AND a.grantee = 0
 ORDER BY c.relname;

-- What readers may only read.
SELECT c.oid::regclass AS relation, a.privilege_type
  FROM pg_class c, aclexplode(c.relacl) a
 WHERE c.relnamespace = 'triage'::regnamespace AND a.grantee = 'triage_reader'::regrole
   AND a.privilege_type <> 'SELECT'
 ORDER BY c.relname;

-- SECURITY DEFINER without a search_path of its own would run what a caller put into another schema.
SELECT p.oid::regprocedure AS unsafe_function
  FROM pg_proc p
 WHERE p.pronamespace = 'triage'::regnamespace AND p.prosecdef
   AND NOT coalesce(array_to_string(p.proconfig, ' ') LIKE '%search_path=%', false)
 ORDER BY p.proname;

-- It comes and goes without a trace, but for its roles.
DROP EXTENSION pg_triage;
SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('triage');
CREATE EXTENSION pg_triage;
DROP EXTENSION pg_triage, pg_stat_statements;
