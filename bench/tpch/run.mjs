// TPC-H side by side: starts the server on scratch space, loads a scale through merak-tpch, runs the 22 queries,
// and does the same in DuckDB and ClickHouse where their npm packages are installed.
//
//   node bench/tpch/run.mjs [--sf 1] [--threads 2] [--runs 5] [--engines merak,duckdb,clickhouse] [--queries 1,6,13] [--shapes]
//                           [--data DIR] [--modules DIR] [--json FILE]
//
// mysql2, @duckdb/node-api and chdb are looked for in DIR/node_modules of --modules, or beside this file. --data names
// .tbl files of that scale for the other engines; without it they are generated. Engines take turns query by query; a
// time is the best of the runs with all rows fetched. Answers of all engines are compared: a query whose answers
// differ is marked, counts as a failure, and stays out of the means. So does one that an engine cannot run.
// --shapes: the queries of shapes.sql in place of the 22, beside DuckDB unless --engines says otherwise.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { packagesOf, program, startServer, wholeNumber } from '../server.mjs';

const here = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    sf: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    runs: { type: 'string', default: '5' },
    engines: { type: 'string' },
    queries: { type: 'string' },
    shapes: { type: 'boolean', default: false },
    data: { type: 'string' },
    modules: { type: 'string', default: here },
    json: { type: 'string' },
  },
});
const threads = wholeNumber(options, 'threads');
const runs = wholeNumber(options, 'runs');
const tables = ['region', 'nation', 'supplier', 'customer', 'part', 'partsupp', 'orders', 'lineitem'];
const schema = fs.readFileSync(path.join(here, 'schema.sql'), 'utf8').split(';').map((text) => text.trim()).filter(Boolean);
const generator = program('merak-tpch', 'make tpch');
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'merak-tpch-'));
const installed = packagesOf(options.modules);
let dataDir = options.data && path.resolve(options.data);

/** Makes the .tbl files once, for the engines that read files. */
function tableFile(table) {
  if (!dataDir) {
    dataDir = path.join(scratch, 'data');
    const made = spawnSync(generator, ['--sf', options.sf, '--out', dataDir, '--threads', String(threads)], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
  }
  return path.join(dataDir, `${table}.tbl`);
}

/** The table name and the columns as [name, type], from a CREATE TABLE statement. */
function describe(statement) {
  const [, name, body] = /^CREATE TABLE (\w+) \((.*)\)\s*DUPLICATE KEY/s.exec(statement);
  const columns = [...body.matchAll(/(\w+) ((?:INT|BIGINT|DATE|VARCHAR|DECIMAL)(?:\([\d,]+\))?)/g)];
  return { name, columns: columns.map((match) => [match[1], match[2]]) };
}

// Engines: `start` returns { load, query, stop }, or null where the engine is not installed. `query` returns rows as
// arrays of values; `stop` is called once.

async function startMerak() {
  const mysql = installed('mysql2/promise');
  if (!mysql) throw new Error(`mysql2 is not installed: npm install --prefix ${path.relative(process.cwd(), options.modules) || '.'} mysql2`);
  const server = await startServer(path.join(scratch, 'server'));
  const connection = await mysql.createConnection({ host: '127.0.0.1', port: server.queryPort, user: 'root', typeCast: (field) => field.string() });
  return {
    async load() {
      await connection.query('CREATE DATABASE tpch');
      await connection.query('USE tpch');
      for (const statement of schema) await connection.query(statement);
      await loadByGenerator(server.httpPort);
      await connection.query(`SET pipeline_dop = ${threads}`);
    },
    query: async (sql) => (await connection.query({ sql, rowsAsArray: true }))[0],
    async stop() {
      connection.destroy();
      await server.stop();
    },
  };
}

function loadByGenerator(httpPort) {
  const args = ['--sf', options.sf, '--load', `http://127.0.0.1:${httpPort}`, '--database', 'tpch', '--threads', String(threads)];
  return new Promise((resolve, reject) => {
    const child = spawn(generator, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (bytes) => { output += bytes; });
    child.stderr.on('data', (bytes) => { output += bytes; });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`loading failed:\n${output}`))));
  });
}

async function startDuckdb() {
  const duckdb = installed('@duckdb/node-api');
  if (!duckdb) return null;
  const instance = await duckdb.DuckDBInstance.create(path.join(scratch, 'duckdb.db'), { threads: String(threads) });
  const connection = await instance.connect();
  return {
    async load() {
      for (const statement of schema) {
        const { name, columns } = describe(statement);
        await connection.run(`CREATE TABLE ${name} (${columns.map((column) => column.join(' ')).join(', ')})`);
        const types = [...columns, ['line_end', 'VARCHAR']].map(([column, type]) => `'${column}': '${type}'`).join(', ');
        await connection.run(`INSERT INTO ${name} SELECT * EXCLUDE (line_end) FROM read_csv('${tableFile(name)}',
          delim = '|', header = false, quote = '', escape = '', columns = {${types}})`);
      }
      await connection.run('CHECKPOINT');
    },
    query: async (sql) => (await connection.runAndReadAll(sql)).getRowsJson(),
    async stop() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function startClickhouse() {
  const chdb = installed('chdb');
  if (!chdb) return null;
  const session = new chdb.Session(path.join(scratch, 'clickhouse'));
  const typeOf = (type) => ({ INT: 'Int32', BIGINT: 'Int64', DATE: 'Date' })[type] ?? type.replace(/^VARCHAR.*/, 'String');
  session.query(`SET max_threads = ${threads}, format_csv_delimiter = '|', format_csv_allow_double_quotes = 0, join_use_nulls = 1`);
  return {
    async load() {
      session.query('CREATE DATABASE tpch');
      for (const statement of schema) {
        const { name, columns } = describe(statement);
        const list = columns.map(([column, type]) => `${column} ${typeOf(type)}`).join(', ');
        session.query(`CREATE TABLE tpch.${name} (${list}) ENGINE = MergeTree ORDER BY ${columns[0][0]}`);
        session.query(`INSERT INTO tpch.${name} SELECT ${columns.map(([column]) => column).join(', ')}
          FROM file('${tableFile(name)}', 'CSV', '${list}, line_end String')`);
        session.query(`OPTIMIZE TABLE tpch.${name} FINAL`);
      }
      session.query('USE tpch');
    },
    async query(sql) {
      const text = session.query(exactConstants(sql), 'JSONCompactEachRow').trim();
      return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line));
    },
    async stop() {
      session.cleanup();
    },
  };
}

/** Decimal literals are exact in SQL, floats in ClickHouse, where 0.06 + 0.01 is less than 0.07: sums are worked out here. */
const exactConstants = (sql) => sql.replace(/\b(\d+\.\d+) ([-+]) (\d+\.\d+)\b/g,
  (text, left, sign, right) => (Number(left) + Number(sign + right)).toFixed(Math.max(left.split('.')[1].length, right.split('.')[1].length)));

/** Equal as multisets of rows, numbers to six digits: engines differ in how they type an average or a quotient. */
function sameAnswer(left, right) {
  if (left.length !== right.length) return false;
  const sorted = (rows) => rows.map((row) => row.map(comparable)).sort((a, b) => (a.join('|') < b.join('|') ? -1 : 1));
  const other = sorted(right);
  return sorted(left).every((row, i) => row.length === other[i].length && row.every((value, j) => value === other[i][j] || close(value, other[i][j])));
}
const comparable = (value) => {
  if (value === null) return '\\N';
  const text = String(value).trim();
  return text !== '' && Number.isFinite(Number(text)) ? Number(text).toPrecision(6) : text;
};
const close = (a, b) => Math.abs(Number(a) - Number(b)) <= 1e-4 * Math.max(1, Math.abs(Number(b)));

async function startEngines() {
  const starters = { merak: startMerak, duckdb: startDuckdb, clickhouse: startClickhouse };
  const engines = [];
  for (const name of (options.engines ?? (options.shapes ? 'merak,duckdb' : 'merak,duckdb,clickhouse')).split(',')) {
    if (!starters[name]) throw new Error(`unknown engine "${name}"; there are ${Object.keys(starters).join(', ')}`);
    const engine = await starters[name]();
    if (!engine) {
      console.log(`${name}: not installed, left out`);
      continue;
    }
    engines.push({ name, ...engine });
    if (name !== 'merak') tableFile('region'); // generating is no part of loading
    const start = performance.now();
    await engine.load();
    console.log(`${name}: loaded scale ${options.sf} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
  return engines;
}

/** Times one query on all engines: { best: [ms or NaN], errors: [text], same }. words: of engines that have their own. */
async function timeQuery(engines, { sql, words = {} }) {
  const best = engines.map(() => NaN);
  const answers = engines.map(() => null);
  const errors = engines.map(() => null);
  for (let run = 0; run < runs; run++) {
    for (const [i, engine] of engines.entries()) {
      if (errors[i]) continue;
      try {
        const start = performance.now();
        const rows = await engine.query(words[engine.name] ?? sql);
        best[i] = Math.min(best[i] || Infinity, performance.now() - start);
        answers[i] ??= rows;
      } catch (error) {
        errors[i] = error.message.split('\n')[0].slice(0, 200);
        best[i] = NaN;
      }
    }
  }
  const given = answers.filter(Boolean);
  return { best, errors, same: given.every((answer) => sameAnswer(answer, given[0])) };
}

const cell = (value, width = 12) => (Number.isFinite(value) ? value.toFixed(value < 10 ? 2 : 1) : '-').padStart(width);
const mean = (values) => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

const nameWidth = () => (options.shapes ? 24 : 5);

function printHeader(engines) {
  const names = engines.map((engine) => `${engine.name} ms`.padStart(14)).join('');
  const ratios = engines.slice(1).map((engine) => `${engines[0].name}/${engine.name}`.padStart(18)).join('');
  console.log(`\nscale ${options.sf}, ${threads} threads, best of ${runs}\n${'query'.padEnd(nameWidth())}${names}${ratios}`);
}

function printRow(name, { best, errors, same }, engines) {
  const ratios = best.slice(1).map((time) => cell(best[0] / time, 18)).join('');
  console.log(`${name.padEnd(nameWidth())}${best.map((time) => cell(time, 14)).join('')}${ratios}${same ? '' : '  ANSWERS DIFFER'}`);
  errors.forEach((error, i) => error && console.log(`      ${engines[i].name}: ${error}`));
}

/** Means over the queries that every engine answered alike. */
function printMeans(results, engines) {
  const valid = results.filter((result) => result.same && result.best.every(Number.isFinite));
  if (valid.length === 0) return;
  const means = engines.map((_, i) => mean(valid.map((result) => result.best[i])));
  const sums = engines.map((_, i) => valid.reduce((sum, result) => sum + result.best[i], 0));
  const ratios = (values) => values.slice(1).map((value) => cell(values[0] / value, 18)).join('');
  console.log(`${'geo.'.padEnd(nameWidth())}${means.map((value) => cell(value, 14)).join('')}${ratios(means)}   (${valid.length} of ${results.length} queries)`);
  console.log(`${'total'.padEnd(nameWidth())}${sums.map((value) => cell(value, 14)).join('')}${ratios(sums)}`);
}

/** The 22, or those that --queries names. */
function standardQueries() {
  const numbers = options.queries ? options.queries.split(',') : Array.from({ length: 22 }, (_, i) => i + 1);
  return numbers.map((text) => {
    const number = Number(text);
    if (!(Number.isInteger(number) && number >= 1 && number <= 22)) throw new Error(`query "${text}" is not a number from 1 to 22`);
    const name = `q${String(number).padStart(2, '0')}`;
    return { name, sql: fs.readFileSync(path.join(here, 'queries', `${name}.sql`), 'utf8').trim().replace(/;$/, '') };
  });
}

/** A line "-- NAME" and a statement each; behind "-- in ENGINE" the same in its words. --queries: a part of the names. */
function shapes() {
  const all = [];
  for (const [, title, sql] of fs.readFileSync(path.join(here, 'shapes.sql'), 'utf8').matchAll(/^-- (.+)\n(?=[a-z])([^;]+);/gm)) {
    const other = /^in (\w+)$/.exec(title);
    if (other) all.at(-1).words = { [other[1]]: sql };
    else all.push({ name: title, sql });
  }
  const chosen = all.filter(({ name }) => !options.queries || options.queries.split(',').some((part) => name.includes(part)));
  if (chosen.length === 0) throw new Error(`no shape is called "${options.queries}"`);
  return chosen;
}

async function main() {
  const queries = options.shapes ? shapes() : standardQueries();
  const engines = await startEngines();
  if (engines.length === 0) throw new Error('no engine to run');
  const results = [];
  printHeader(engines);
  for (const query of queries) {
    const result = await timeQuery(engines, query);
    printRow(query.name, result, engines);
    results.push({ name: query.name, ...result });
  }
  printMeans(results, engines);
  if (options.json) fs.writeFileSync(options.json, JSON.stringify({ scale: options.sf, threads, runs, engines: engines.map((engine) => engine.name), results }, null, 1));
  for (const engine of engines) await engine.stop();
  return results.every((result) => result.same && result.errors.every((error) => !error)) ? 0 : 1;
}

let status = 2;
try {
  status = await main();
} catch (error) {
  console.error(error.message);
}
fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
process.exit(status);
