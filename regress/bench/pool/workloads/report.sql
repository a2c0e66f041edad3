SELECT count(*) FROM (SELECT value, rank() OVER (PARTITION BY grp % 10 ORDER BY value) FROM items WHERE id < 60000) ranked WHERE rank = 1;
