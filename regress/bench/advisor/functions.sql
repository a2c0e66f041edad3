-- What the benchmark asks of a database, in as few round trips as there are questions.
CREATE SCHEMA bench;

-- Instances of the workload's statements, numbered from 0 on. One with arguments, "(1, 'a')", has parameters.
CREATE TABLE bench.statement (id int PRIMARY KEY, text text, arguments text);

-- Of one with arguments, the generic plan.
CREATE FUNCTION bench.plan(which int) RETURNS json LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    statement bench.statement := s FROM bench.statement s WHERE id = which;
    plan json;
BEGIN
    IF statement.arguments IS NULL THEN
        EXECUTE 'EXPLAIN (FORMAT JSON) ' || statement.text INTO plan;
    ELSE
        EXECUTE 'PREPARE bench_generic AS ' || statement.text;
        EXECUTE 'EXPLAIN (FORMAT JSON) EXECUTE bench_generic' || statement.arguments INTO plan;
        DEALLOCATE bench_generic;
    END IF;
    RETURN plan;
END $$;

-- Cost of a statement, and which of the indexes (places in `names`, from 0 on) its plan uses.
CREATE FUNCTION bench.answer(which int, names text[]) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    plan json := bench.plan(which);
BEGIN
    RETURN json_build_object('cost', (plan #>> '{0,Plan,Total Cost}')::float8,
        'used', (SELECT coalesce(json_agg(place - 1), '[]') FROM unnest(names) WITH ORDINALITY AS n(name, place)
                  WHERE position('"' || name || '"' IN plan::text) > 0));
END $$;

CREATE FUNCTION bench.hypothetical(ddl text[], statements int[]) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    names text[] := '{}';
    one text;
    result json;
BEGIN
    FOREACH one IN ARRAY ddl LOOP
        names := names || (SELECT indexname FROM hypopg_create_index(one));
    END LOOP;
    SELECT json_agg(bench.answer(s, names) ORDER BY place) INTO result FROM unnest(statements) WITH ORDINALITY AS x(s, place);
    PERFORM hypopg_reset();
    RETURN result;
END $$;

CREATE FUNCTION bench.sizes_by_hypopg(ddl text[]) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    sizes bigint[] := '{}';
    one text;
BEGIN
    FOREACH one IN ARRAY ddl LOOP
        sizes := sizes || (SELECT hypopg_relation_size(indexrelid) FROM hypopg_create_index(one));
    END LOOP;
    PERFORM hypopg_reset();
    RETURN to_json(sizes);
END $$;

CREATE FUNCTION bench.sizes_by_pg_triage(ddl text[]) RETURNS json LANGUAGE sql AS $$
    SELECT json_agg(e.bytes ORDER BY place) FROM unnest(ddl) WITH ORDINALITY AS x(one, place), triage.estimate_index_size(one) e $$;

CREATE FUNCTION bench.real(names text[], statements int[]) RETURNS json LANGUAGE sql AS $$
    SELECT json_agg(bench.answer(s, names) ORDER BY place) FROM unnest(statements) WITH ORDINALITY AS x(s, place) $$;

-- Of the indexes that the benchmark made, these alone exist for whoever connects from now on.
CREATE PROCEDURE bench.switch_to(names text[]) LANGUAGE sql AS $$
    UPDATE pg_index SET indisvalid = wanted, indisready = wanted, indislive = wanted
      FROM (SELECT oid, relname = ANY (names) AS wanted FROM pg_class WHERE relname LIKE 'made\_%') c
     WHERE indexrelid = c.oid AND indislive <> wanted $$;

-- What a statement's plan uses and costs where the indexes of `offered` exist; sets as bits, names[i + 1] is bit i.
CREATE UNLOGGED TABLE bench.remembered (statement int, offered int, used int, cost float8);
CREATE INDEX ON bench.remembered (statement);

CREATE FUNCTION bench.recall(which int, subset int) RETURNS TABLE (cost float8) LANGUAGE sql STABLE AS $$
    SELECT r.cost FROM bench.remembered r
     WHERE r.statement = which AND r.used & subset = r.used AND r.offered & subset = subset LIMIT 1 $$;

-- Costs of the statements under every subset of the indexes: a row a subset, supersets first. A plan that uses some of
-- the indexes is still the cheapest where others are gone, so only what loses one that it used is planned again.
CREATE FUNCTION bench.under_each_subset(names text[], statements int[]) RETURNS TABLE (mask int, costs json)
LANGUAGE plpgsql AS $$
DECLARE
    unknown int[];
BEGIN
    TRUNCATE bench.remembered;
    FOR subset IN REVERSE (1 << cardinality(names)) - 1 .. 0 LOOP
        SELECT array_agg(s) FILTER (WHERE r.cost IS NULL), json_agg(r.cost ORDER BY place) INTO unknown, costs
          FROM unnest(statements) WITH ORDINALITY AS x(s, place) LEFT JOIN LATERAL bench.recall(s, subset) r ON true;
        IF unknown IS NOT NULL THEN
            UPDATE pg_index SET indisvalid = NOT indisvalid
              FROM unnest(names) WITH ORDINALITY AS n(name, place)
             WHERE indexrelid = name::regclass AND indisvalid <> ((subset >> place::int - 1) & 1 = 1);
            INSERT INTO bench.remembered
            SELECT s, subset, (SELECT coalesce(sum(1 << place::int), 0) FROM json_array_elements_text(answer -> 'used') place),
                   (answer ->> 'cost')::float8
              FROM unnest(unknown) s, bench.answer(s, names) answer;
            SELECT json_agg(r.cost ORDER BY place) INTO costs
              FROM unnest(statements) WITH ORDINALITY AS x(s, place), bench.recall(s, subset) r;
        END IF;
        mask := subset;
        RETURN NEXT;
    END LOOP;
    UPDATE pg_index SET indisvalid = true WHERE indexrelid IN (SELECT n::regclass FROM unnest(names) n);
END $$;

-- Milliseconds of each statement, the fastest of some runs.
CREATE FUNCTION bench.times(statements int[], runs int) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    result float8[] := '{}';
    fastest float8;
    started timestamptz;
    query text;
    s int;
BEGIN
    FOREACH s IN ARRAY statements LOOP
        query := (SELECT text FROM bench.statement WHERE id = s);
        fastest := 'infinity';
        FOR run IN 1..runs LOOP
            started := clock_timestamp();
            EXECUTE query;
            fastest := least(fastest, extract(epoch FROM clock_timestamp() - started) * 1000);
        END LOOP;
        result := result || fastest;
    END LOOP;
    RETURN to_json(result);
END $$;

-- Milliseconds of all statements, one after the other.
CREATE FUNCTION bench.time_of_all(statements int[]) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    started timestamptz;
    texts text[] := (SELECT array_agg(b.text ORDER BY place) FROM unnest(statements) WITH ORDINALITY AS x(s, place) JOIN bench.statement b ON b.id = s);
    one text;
BEGIN
    started := clock_timestamp();
    FOREACH one IN ARRAY texts LOOP
        EXECUTE one;
    END LOOP;
    RETURN extract(epoch FROM clock_timestamp() - started) * 1000;
END $$;
