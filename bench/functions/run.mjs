// Scalar functions, aggregates and window functions, each over all rows of one table, beside DuckDB in the same run.
//
//   node bench/functions/run.mjs [--rows 10000000] [--threads 2] [--runs 3] [--only PATTERN] [--modules DIR] [--json FILE]
//
// mysql2 and @duckdb/node-api are looked for in DIR/node_modules of --modules, or beside this file; without DuckDB its column
// stays empty. The table is made from the row number by the same arithmetic in both. A scalar function is asked as
// max(function), an aggregate over all rows and, named with "by", in groups of a text column of 100 values. The figure is the
// best of the runs.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { packagesOf, startServer, wholeNumber } from '../server.mjs';

const here = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    modules: { type: 'string', default: here },
    json: { type: 'string' },
  },
});
const rows = wholeNumber(options, 'rows');
const threads = wholeNumber(options, 'threads');
const runs = wholeNumber(options, 'runs');
const only = new RegExp(options.only);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'merak-functions-'));
const installed = packagesOf(options.modules);

// i, b: integers; d: double; m: decimal; s: a text a row; c: a text of 100; t: date; ts: date and time
const columns = (n) => `CAST(${n} * 7919 % 1000003 AS INT) AS i, CAST(${n} * 104729 AS BIGINT) AS b, CAST(${n} % 10007 AS DOUBLE) / 7 AS d,
  CAST(${n} % 999983 AS DECIMAL(15, 2)) / 4 AS m0, CONCAT('user_', CAST(${n} AS VARCHAR), '@host', CAST(${n} % 97 AS VARCHAR), '.example.com') AS s,
  CONCAT('category number ', CAST(${n} % 100 AS VARCHAR)) AS c`;
const inner = 'i, b, d, CAST(m0 AS DECIMAL(15, 2)) AS m, s, c';

// name, ours, DuckDB's where it is another
const scalars = [
  ['abs', 'abs(i)'], ['add', 'i + b'], ['multiply', 'm * 3'], ['divide', 'd / 3.5'], ['mod', 'i % 17'], ['round', 'round(d)'],
  ['round digits', 'round(d, 2)'], ['floor', 'floor(d)'], ['sqrt', 'sqrt(d)'], ['ln', 'ln(d + 1)'], ['exp', 'exp(d / 1000)'], ['pow', 'pow(d, 2)'],
  ['sin', 'sin(d)'], ['greatest', 'greatest(i, 5000)'], ['bitand', 'bitand(i, 255)', 'i & 255'], ['bit_shift_left', 'bit_shift_left(b, 3)', 'b << 3'],
  ['cast int double', 'CAST(i AS DOUBLE)'], ['cast int text', 'CAST(i AS VARCHAR)'], ['cast decimal text', 'CAST(m AS VARCHAR)'],
  ['cast double int', 'CAST(d AS INT)'], ['cast text int', 'CAST(substr(s, 6, 3) AS INT)', 'TRY_CAST(substr(s, 6, 3) AS INT)'],
  ['if', 'if(i > 500000, i, 0)'], ['case', "CASE WHEN i < 1000 THEN 'a' WHEN i < 100000 THEN 'b' ELSE 'c' END"], ['coalesce', 'coalesce(i, 0)'],
  ['nullif', 'nullif(i, 5)'], ['in', 'CAST(i IN (1, 5, 9, 77, 1234) AS INT)'], ['between', 'CAST(i BETWEEN 100 AND 5000 AS INT)'],
  ['length', 'length(s)', 'strlen(s)'], ['char_length', 'char_length(s)', 'length(s)'], ['upper', 'upper(s)'], ['lower', 'lower(s)'],
  ['upper of 100', 'upper(c)'], ['substr', 'substr(s, 3, 8)'], ['left', 'left(s, 7)'], ['right', 'right(s, 7)'], ['concat', "concat(s, '-', c)"],
  ['concat_ws', "concat_ws('/', s, c)"], ['replace', "replace(s, 'host', 'node')"], ['replace of 100', "replace(c, 'number', 'no')"],
  ['trim', 'trim(s)'], ['lpad', "lpad(s, 40, '*')"], ['reverse', 'reverse(s)'], ['instr', "instr(s, '@')"], ['locate', "locate('example', s)", "instr(s, 'example')"],
  ['like prefix', "CAST(s LIKE 'user_1%' AS INT)"], ['like middle', "CAST(s LIKE '%host7%' AS INT)"], ['like of 100', "CAST(c LIKE '%7%' AS INT)"],
  ['split_part', "split_part(s, '@', 2)"], ['starts_with', "CAST(starts_with(s, 'user_12') AS INT)"], ['repeat', "repeat('ab', i % 5)", "repeat('ab', i % 5)"],
  ['regexp_replace', "regexp_replace(c, '[0-9]+', '#')", "regexp_replace(c, '[0-9]+', '#', 'g')"], ['regexp', "CAST(c REGEXP 'r [0-9]$' AS INT)", "CAST(regexp_matches(c, 'r [0-9]$') AS INT)"],
  ['md5', 'md5(c)'], ['hex', 'hex(i)'], ['year', 'year(t)'], ['month', 'month(t)'], ['day', 'day(t)'], ['dayofweek', 'dayofweek(t)'],
  ['hour', 'hour(ts)'], ['date_trunc month', "date_trunc('month', ts)"], ['date_trunc hour', "date_trunc('hour', ts)"],
  ['date_add', 'date_add(t, INTERVAL 7 DAY)', 't + INTERVAL 7 DAY'], ['datediff', "datediff(t, '2020-01-01')", "date_diff('day', DATE '2020-01-01', t)"],
  ['date_format', "date_format(ts, '%Y-%m-%d')", "strftime(ts, '%Y-%m-%d')"], ['to_date', 'to_date(ts)', 'CAST(ts AS DATE)'],
  ['unix_timestamp', 'unix_timestamp(ts)', 'epoch(ts)'], ['last_day', 'last_day(t)'], ['str_to_date', "str_to_date(CAST(t AS VARCHAR), '%Y-%m-%d')", "strptime(CAST(t AS VARCHAR), '%Y-%m-%d')"],
  ['cast text date', 'CAST(CAST(t AS VARCHAR) AS DATE)'], ['get_json_int', `get_json_int(concat('{"a":', i, '}'), '$.a')`, `CAST(json_extract(concat('{"a":', i, '}'), '$.a') AS INT)`],
];
const aggregates = [
  ['count', 'count(i)'], ['sum', 'sum(i)'], ['sum decimal', 'sum(m)'], ['avg', 'avg(d)'], ['min', 'min(b)'], ['max text', 'max(s)'], ['count distinct', 'count(DISTINCT i)'],
  ['approx_count_distinct', 'approx_count_distinct(s)'], ['stddev', 'stddev(d)', 'stddev_pop(d)'], ['variance', 'variance(d)', 'var_pop(d)'], ['covar_samp', 'covar_samp(d, i)'],
  ['corr', 'corr(d, i)'], ['any_value', 'any_value(s)'], ['max_by', 'max_by(s, i)'], ['bool_or', 'bool_or(i > 5)'], ['percentile_approx', 'percentile_approx(d, 0.5)', 'approx_quantile(d, 0.5)'],
  ['percentile_cont', 'percentile_cont(d, 0.5)', 'quantile_cont(d, 0.5)'], ['group_concat', 'length(group_concat(c))', "length(string_agg(c, ','))"], ['array_agg', 'cardinality(array_agg(i))', 'len(array_agg(i))'],
  ['count_if', 'count_if(i > 5)', 'count_if(i > 5)'],
];
// Window functions, asked as sum(function) over all rows.
const byText = 'PARTITION BY c ORDER BY b';
const windows = [
  ['row_number', `row_number() OVER (${byText})`], ['rank', `rank() OVER (${byText})`], ['dense_rank', `dense_rank() OVER (PARTITION BY c ORDER BY i)`],
  ['percent_rank', `percent_rank() OVER (${byText})`], ['ntile', `ntile(7) OVER (${byText})`], ['rank of all', 'rank() OVER (ORDER BY i)'],
  ['rank in small parts', 'rank() OVER (PARTITION BY i ORDER BY b)'], ['lag', `lag(i, 1) OVER (${byText})`], ['first_value', `first_value(i) OVER (${byText})`],
  ['running sum', `sum(i) OVER (${byText})`], ['running sum of all', 'sum(i) OVER (ORDER BY b)'], ['running max', `max(d) OVER (${byText})`],
  ['running count', `count(*) OVER (${byText})`], ['sum of part', 'sum(i) OVER (PARTITION BY c)'],
  ['sliding sum', `sum(i) OVER (${byText} ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)`], ['sliding avg', `avg(d) OVER (${byText} ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)`],
  ['sliding max wide', `max(i) OVER (${byText} ROWS BETWEEN 1000 PRECEDING AND 1000 FOLLOWING)`],
  ['sliding double wide', `sum(d) OVER (${byText} ROWS BETWEEN 1000 PRECEDING AND CURRENT ROW)`],
];

function queries() {
  const list = [];
  for (const [name, ours, other = ours] of scalars) list.push([name, `SELECT max(${ours}) FROM t`, `SELECT max(${other}) FROM t`]);
  for (const [name, ours, other = ours] of aggregates) {
    list.push([name, `SELECT ${ours} FROM t`, `SELECT ${other} FROM t`]);
    const by = (call) => `SELECT count(x) FROM (SELECT c, ${call} AS x FROM t GROUP BY c) g`;
    list.push([`${name} by`, by(ours), by(other)]);
  }
  for (const [name, call] of windows) {
    const sql = `SELECT sum(x) FROM (SELECT ${call} AS x FROM t) w`;
    list.push([`window ${name}`, sql, sql]);
  }
  return list.filter(([name]) => only.test(name));
}

async function startMerak() {
  const merak = await startServer(path.join(scratch, 'server'));
  const connection = await installed('mysql2/promise').createConnection({ host: '127.0.0.1', port: merak.queryPort, user: 'root' });
  const run = async (sql) => (await connection.query({ sql, rowsAsArray: true }))[0];
  for (const sql of ['CREATE DATABASE bench', 'USE bench', `SET pipeline_dop = ${threads}`, 'SET group_concat_max_len = 1000000000',
    `CREATE TABLE t AS SELECT ${inner}, date_add('1995-01-01', INTERVAL i % 9000 DAY) + INTERVAL b % 86400 SECOND AS ts, CAST(date_add('1995-01-01', INTERVAL i % 9000 DAY) AS DATE) AS t
     FROM (SELECT ${columns('generate_series')} FROM TABLE(generate_series(1, ${rows})) g) r`])
    await run(sql);
  return {
    run,
    async stop() {
      connection.destroy();
      await merak.stop();
    },
  };
}

async function startDuck() {
  const duck = installed('@duckdb/node-api');
  if (duck === null) return null;
  const instance = await duck.DuckDBInstance.create(path.join(scratch, 'duck.db'), { threads: String(threads) });
  const connection = await instance.connect();
  const run = async (sql) => (await connection.runAndReadAll(sql)).getRows();
  await run(`CREATE TABLE t AS SELECT ${inner}, CAST(DATE '1995-01-01' + CAST(i % 9000 AS INT) AS TIMESTAMP) + to_seconds(b % 86400) AS ts,
    DATE '1995-01-01' + CAST(i % 9000 AS INT) AS t FROM (SELECT ${columns('range')} FROM range(1, ${rows + 1})) r`);
  return { run };
}

async function best(engine, sql) {
  let least = Infinity;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await engine.run(sql);
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

const number = (value) => (Number.isFinite(value) ? value.toFixed(value < 10 ? 2 : 0) : '-').padStart(9);
const results = [];
const server = await startMerak();
const duck = await startDuck();
console.log(`${'function'.padEnd(26)}${'ours ms'.padStart(9)}${'DuckDB'.padStart(9)}${'ratio'.padStart(9)}`);
for (const [name, ours, other] of queries()) {
  let a = NaN;
  let b = NaN;
  let note = '';
  try {
    a = await best(server, ours);
  } catch (error) {
    note += ` ours: ${error.message.slice(0, 80)}`;
  }
  try {
    if (duck !== null) b = await best(duck, other);
  } catch (error) {
    note += ` DuckDB: ${error.message.slice(0, 80)}`;
  }
  results.push({ name, ours: a, duckdb: b, ratio: a / b });
  console.log(`${name.padEnd(26)}${number(a)}${number(b)}${number(a / b)}${a / b > 2 ? '  SLOW' : ''}${note}`);
}
const ratios = results.map((r) => r.ratio).filter(Number.isFinite);
if (ratios.length > 0) {
  const mean = Math.exp(ratios.reduce((sum, r) => sum + Math.log(r), 0) / ratios.length);
  console.log(`${ratios.length} compared, geometric mean of the ratios ${mean.toFixed(2)}, ${ratios.filter((r) => r > 2).length} above 2`);
}
if (options.json) fs.writeFileSync(options.json, JSON.stringify({ rows, threads, results }, null, 1));
await server.stop();
fs.rmSync(scratch, { recursive: true, force: true });
process.exit(results.some((r) => Number.isNaN(r.ours)) ? 1 : 0);
