// What the benchmarks in JavaScript share: a server on scratch space, npm packages that may be installed elsewhere, and options.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

/** A built program: build/release/NAME, or what the environment names in its place (MERAK, MERAK_TPCH). */
export function program(name, target = 'make') {
  const file = process.env[name.toUpperCase().replace('-', '_')] ?? path.join(root, 'build', 'release', name);
  if (fs.existsSync(file)) return file;
  console.error(`no program ${file}: run ${target}`);
  process.exit(2);
}

/** A function that gives a package of DIR/node_modules, or null where it is not installed. */
export function packagesOf(directory) {
  const load = createRequire(path.join(path.resolve(directory), 'package.json'));
  return (name) => {
    try {
      load.resolve(name);
    } catch {
      return null;
    }
    return load(name);
  };
}

export function wholeNumber(options, name) {
  const number = Number(options[name]);
  if (Number.isInteger(number) && number > 0) return number;
  console.error(`--${name} "${options[name]}" is not a whole number above 0`);
  process.exit(2);
}

/** Starts the server on free ports, or the given one, and waits for the line it prints when ready: { queryPort, httpPort, stop }. */
export function startServer(dataDir, queryPort = 0) {
  const args = ['server', '--data-dir', dataDir];
  for (const setting of [`query_port=${queryPort}`, 'http_port=0', 'edit_log_port=0']) args.push('--set', setting);
  const { MERAK_TPCH: _, ...env } = process.env; // names a program: to the server it would be a setting
  const child = spawn(program('merak'), args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(killed, 30000);
    await ended;
    clearTimeout(timer);
    process.off('exit', killed);
  };
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => reject(new Error(`the server is not ready after 30 s:\n${output}`)), 30000);
    const read = (bytes) => {
      output = (output + bytes).slice(-65536);
      const ready = /merak ready query_port=(\d+) http_port=(\d+) pid=\d+/.exec(output);
      if (!ready) return;
      clearTimeout(timer);
      resolve({ queryPort: Number(ready[1]), httpPort: Number(ready[2]), stop });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', reject);
    ended.then((code) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with status ${code}:\n${output}`));
    });
  });
}
