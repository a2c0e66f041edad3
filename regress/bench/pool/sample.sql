-- Who is active, and what it waits for: a stand-in for triage.activity, in ten samples a second.
SELECT coalesce(query_id, 0),
       CASE WHEN wait_event_type IS NULL THEN 'cpu'
            WHEN wait_event LIKE 'WAL%' THEN 'wal'
            WHEN wait_event_type = 'IO' THEN 'io'
            WHEN wait_event_type = 'Lock' THEN 'lock'
            WHEN wait_event_type IN ('LWLock', 'BufferPin') THEN 'lwlock'
            ELSE 'sleep' END,
       count(*)
  FROM pg_stat_activity
 WHERE datname = 'bench' AND backend_type = 'client backend' AND state = 'active'
 GROUP BY 1, 2
\watch 0.05
