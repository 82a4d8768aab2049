// TPC-H on a local volume and on an S3 service side by side, cold and warm: what it costs that the data lie in a bucket.
//
//   tests/s3/with_service.sh build/release/merak-s3d node bench/tpch/cold.mjs [--sf 1] [--threads 2] [--runs 3] [--modules DIR]
//   tests/s3/with_ceph.sh node bench/tpch/cold.mjs ...
//
// The service is that of S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY, S3_SECRET_KEY and S3_REGION. Cold is the first run after a start of the
// server without its block cache, and with the system's page cache dropped where that is allowed (root, Linux); warm is the best of
// --runs behind it. The two take turns query by query, and their answers must be equal.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { packagesOf, program, startServer, wholeNumber } from '../server.mjs';

const here = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    sf: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    runs: { type: 'string', default: '3' },
    queries: { type: 'string' },
    modules: { type: 'string', default: here },
  },
});
const threads = wholeNumber(options, 'threads');
const runs = wholeNumber(options, 'runs');
const mysql = packagesOf(options.modules)('mysql2/promise');
const { S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY, S3_SECRET_KEY, S3_REGION } = process.env;
if (!mysql || !S3_ENDPOINT) {
  console.error(mysql ? 'there is no S3_ENDPOINT: see the head of this script' : 'mysql2 is not installed: --modules DIR');
  process.exit(2);
}
const generator = program('merak-tpch', 'make tpch');
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'merak-cold-'));
const schema = fs.readFileSync(path.join(here, 'schema.sql'), 'utf8').split(';').map((text) => text.trim()).filter(Boolean);
const onS3 = {
  MERAK_CLOUD_NATIVE_STORAGE_TYPE: 'S3', MERAK_AWS_S3_ENDPOINT: S3_ENDPOINT, MERAK_AWS_S3_PATH: `${S3_BUCKET}/cold`,
  MERAK_AWS_S3_ACCESS_KEY: S3_ACCESS_KEY, MERAK_AWS_S3_SECRET_KEY: S3_SECRET_KEY, MERAK_AWS_S3_REGION: S3_REGION ?? '',
};
const sides = [{ name: 'local', environment: {} }, { name: 's3', environment: onS3 }];

async function start(side) {
  for (const name of Object.keys(onS3)) delete process.env[name];
  Object.assign(process.env, side.environment);
  const server = await startServer(path.join(scratch, side.name));
  const connection = await mysql.createConnection({ host: '127.0.0.1', port: server.queryPort, user: 'root', typeCast: (field) => field.string() });
  return {
    ...server,
    connection,
    async close() {
      connection.destroy();
      await server.stop();
    },
  };
}

async function load(side) {
  const server = await start(side);
  await server.connection.query('CREATE DATABASE tpch');
  await server.connection.query('USE tpch');
  for (const statement of schema) await server.connection.query(statement);
  const begun = performance.now();
  const args = ['--sf', options.sf, '--load', `http://127.0.0.1:${server.httpPort}`, '--database', 'tpch', '--threads', String(threads)];
  const code = await new Promise((resolve) => spawn(generator, args, { stdio: ['ignore', 'ignore', 'inherit'] }).on('close', resolve));
  if (code !== 0) throw new Error(`loading into ${side.name} failed`);
  console.log(`loaded into ${side.name} in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  await server.close();
}

function dropPages() {
  try {
    fs.writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}

async function measure(side, sql) {
  fs.rmSync(path.join(scratch, side.name, 'cache'), { recursive: true, force: true });
  dropPages();
  const server = await start(side);
  await server.connection.query(`SET pipeline_dop = ${threads}`);
  await server.connection.query('USE tpch');
  const times = [];
  let rows;
  for (let run = 0; run <= runs; run++) {
    const begun = performance.now();
    [rows] = await server.connection.query({ sql, rowsAsArray: true });
    times.push(performance.now() - begun);
  }
  await server.close();
  return { cold: times[0], warm: Math.min(...times.slice(1)), answer: JSON.stringify(rows) };
}

const picked = options.queries?.split(',').map(Number);
let wrong = 0;
const logs = { cold: [], warm: [] };
const sums = { local: [0, 0], s3: [0, 0] };
try {
  for (const side of sides) await load(side);
  if (!dropPages()) console.log('the page cache of the system can not be dropped: the local volume is not cold');
  for (let q = 1; q <= 22; q++) {
    if (picked && !picked.includes(q)) continue;
    const sql = fs.readFileSync(path.join(here, 'queries', `q${String(q).padStart(2, '0')}.sql`), 'utf8').trim().replace(/;$/, '');
    const [local, s3] = [await measure(sides[0], sql), await measure(sides[1], sql)];
    const differs = local.answer !== s3.answer;
    wrong += differs;
    for (const kind of ['cold', 'warm']) logs[kind].push(Math.log(s3[kind] / local[kind]));
    for (const [name, side] of [['local', local], ['s3', s3]]) [sums[name][0], sums[name][1]] = [sums[name][0] + side.cold, sums[name][1] + side.warm];
    console.log(`q${q}: cold ${local.cold.toFixed(0)} ms local, ${s3.cold.toFixed(0)} ms s3 (${(s3.cold / local.cold).toFixed(2)}); ` +
      `warm ${local.warm.toFixed(0)} ms, ${s3.warm.toFixed(0)} ms (${(s3.warm / local.warm).toFixed(2)})${differs ? ' ANSWERS DIFFER' : ''}`);
  }
  const mean = (values) => Math.exp(values.reduce((a, b) => a + b, 0) / values.length).toFixed(2);
  console.log(`cold ${sums.local[0].toFixed(0)} ms local, ${sums.s3[0].toFixed(0)} ms s3: ratio ${(sums.s3[0] / sums.local[0]).toFixed(2)}, geometric mean ${mean(logs.cold)}`);
  console.log(`warm ${sums.local[1].toFixed(0)} ms local, ${sums.s3[1].toFixed(0)} ms s3: ratio ${(sums.s3[1] / sums.local[1]).toFixed(2)}, geometric mean ${mean(logs.warm)}`);
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}
process.exit(wrong === 0 ? 0 : 1);
