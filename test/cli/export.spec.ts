import { access, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tableFromIPC } from 'apache-arrow'
import { ParquetFile, readParquet } from 'parquet-wasm'
import { beforeAll, describe, expect, test } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { decodeNpy } from '../../orchestrator/arrays/npy.ts'
import { exactProduct } from '../../orchestrator/jobs/matmul.ts'
import { unpackRuns } from '../../orchestrator/journal/byte-runs.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import type { RunRecord } from '../../orchestrator/journal/records.ts'
import { pythonHas, runPython } from '../support/python.ts'
import {
  copyOf,
  documentOf,
  edit,
  expectFailure,
  fringe,
  query,
  scratchFolder,
  smallJournal,
  startFringe,
} from './fringe-process.ts'

const PATIENCE_MS = 240_000
const hasNumpy = pythonHas('numpy')
const hasH5py = pythonHas('h5py')
if (!hasNumpy) console.info('skipped: no Python here has NumPy (Debian: python3-numpy)')
if (!hasH5py) console.info('skipped: no Python here has h5py (Debian: python3-h5py)')

interface Truth {
  readonly run: RunRecord
  /** Matrices as bytes of float64, in hexadecimal. */
  readonly matrices: Readonly<Record<string, string>>
  readonly frames: readonly { readonly seq: number; readonly timeNs: number; readonly data: Record<string, unknown> }[]
  readonly samples: readonly object[]
  readonly steps: readonly { readonly detail: unknown; readonly name: string }[]
}

describe('fringe export', { timeout: PATIENCE_MS }, () => {
  let journal = ''
  let truth: Truth
  beforeAll(async () => {
    journal = join(await smallJournal(), 'fringe.db')
    truth = await truthOf(journal)
  }, PATIENCE_MS)

  /** In a folder of its own, where the exports come. */
  async function exported(...args: readonly string[]): Promise<string> {
    const cwd = await scratchFolder()
    const ended = await fringe(['export', 'last', '--journal', journal, ...args, '--json'], { cwd })
    expect(ended.code, ended.stderr).toBe(0)
    await documentOf('export', ended)
    expect((await readdir(cwd)).filter((file) => file.endsWith('.part'))).toEqual([])
    return cwd
  }

  test.skipIf(!hasNumpy)('NumPy opens an .npz: matrices and tables bit for bit, units and provenance', async () => {
    const cwd = await exported('-o', 'run.npz', '--wire')
    const seen = JSON.parse(await python('numpy', READ_NPZ, join(cwd, 'run.npz'))) as Seen
    expectTruth(seen)
    const rows = await query(journal, `SELECT bytes, packed_from FROM wire WHERE run = '${truth.run.id}'`)
    const bytes = rows.map(({ bytes, packed_from: from }) =>
      from === null ? (bytes as Uint8Array) : unpackRuns(bytes as Uint8Array, Number(from))!,
    )
    expect(rows.some(({ packed_from: from }) => from !== null)).toBe(true)
    expect(seen.wire).toEqual(bytes.map((each) => Buffer.from(each).toString('hex')))
  })

  test.skipIf(!hasH5py)('h5py opens HDF5: the same, with units and provenance as attributes', async () => {
    const cwd = await exported('-o', 'run.h5', '--wire')
    const seen = JSON.parse(await python('h5py', READ_HDF5, join(cwd, 'run.h5'))) as Seen & {
      readonly attributes: Record<string, unknown>
      readonly instruments: Record<string, Record<string, unknown>>
      readonly units: Record<string, string>
      readonly benchFile: string
    }
    expectTruth(seen)
    const { id, header } = truth.run
    expect(seen.attributes).toMatchObject({
      format: 'fringe-export-1',
      run_id: id,
      status: 'done',
      version_fringe: header.versions['fringe'],
      version_node: header.versions['node'],
      bench_sha256: header.bench.hash,
      calibrations: header.calibrations,
      seed: 3,
      ...(header.commit === null ? {} : { commit: header.commit }),
    })
    expect(seen.benchFile).toBe(header.bench.text)
    const [laser] = header.instruments
    expect(seen.instruments['laser']).toMatchObject({ driver: laser!.driver, resource: laser!.resource })
    expect(JSON.parse(String(seen.instruments['laser']!['identity']))).toEqual(laser!.identity)
    expect(seen.units).toMatchObject({ 'frames/time_ns': 'ns', 'samples/time_ns': 'ns', 'wire/time_ns': 'ns' })
    expect(seen.wire).toHaveLength((await query(journal, `SELECT 1 FROM wire WHERE run = '${id}'`)).length)
  })

  test('another Parquet reader opens the tables: values bit for bit, units and provenance', async () => {
    const cwd = await exported('-o', 'run.parquet', '--wire')
    expect((await readdir(cwd)).sort()).toEqual(
      ['energy', 'frames', 'samples', 'steps', 'wire'].map((name) => `run-${name}.parquet`),
    )
    const samples = await parquet(join(cwd, 'run-samples.parquet'))
    expect(samples.rows.map(({ quantity, unit }) => [quantity, unit])).toContainEqual(['temperature of chip', '°C'])
    expect(samples.rows.map(({ time_ns, ...rest }) => ({ timeNs: Number(time_ns), ...rest }))).toEqual(truth.samples)
    expect(samples.types).toEqual(['Int64', 'Utf8', 'Float64', 'Utf8', 'Utf8'])
    expect(JSON.parse(samples.metadata.get('units')!)).toEqual({ time_ns: 'ns' })
    expectProvenance(JSON.parse(samples.metadata.get('provenance')!))
    const frames = await parquet(join(cwd, 'run-frames.parquet'))
    expect(frames.rows.map((row) => [Number(row['seq']), Number(row['time_ns']), row['probeError']])).toEqual(
      truth.frames.map(({ seq, timeNs, data }) => [seq, timeNs, data['probeError']]),
    )
    const wire = await parquet(join(cwd, 'run-wire.parquet'))
    const [first] = await query(journal, `SELECT bytes, crc FROM wire WHERE run = '${truth.run.id}' LIMIT 1`)
    expect(Buffer.from(wire.rows[0]!['bytes'] as Uint8Array)).toEqual(Buffer.from(first!['bytes'] as Uint8Array))
    expect(Number(wire.rows[0]!['crc'])).toBe(first!['crc'])
  })

  test('CSV names units in its columns, and its head holds the provenance; quotes and lines in texts survive', async () => {
    const edited = await copyOf(journal)
    await edit(edited, `UPDATE steps SET name = 'say "a", # b' || char(10) || 'c' WHERE step = 1`)
    const cwd = await scratchFolder()
    const ended = await fringe(['export', 'last', '--journal', edited, '-o', 'x.csv', '--table', 'steps'], { cwd })
    expect(ended.code, ended.stderr).toBe(0)
    expect(await readdir(cwd)).toEqual(['x.csv'])
    const { comments, rows } = csvOf(await readFile(join(cwd, 'x.csv'), 'utf8'))
    expect(rows[0]).toEqual(['step', 'parent', 'time_ns [ns]', 'name', 'detail'])
    expect(rows[1]![3]).toBe('say "a", # b\nc')
    expect(rows).toHaveLength(1 + truth.steps.length)
    expectProvenance(JSON.parse(comments.find((line) => line.startsWith('# provenance: '))!.slice(14)))

    const others = await exported('-o', 'all.csv')
    const samples = csvOf(await readFile(join(others, 'all-samples.csv'), 'utf8')).rows.slice(1)
    expect(
      samples.map(([timeNs, quantity, value, unit, source]) => ({
        ...{ timeNs: Number(timeNs), quantity, value: Number(value), unit, source },
      })),
    ).toEqual(truth.samples)
  })

  test('names a file after its run and takes its form from --format', async () => {
    const cwd = await exported('--format', 'csv', '--table', 'frames')
    expect(await readdir(cwd)).toEqual([`${truth.run.id}.csv`])
    expect(await readdir(await exported())).toEqual([`${truth.run.id}.npz`])
  })

  test('takes a calibration too, which has no matrices and no frames', async () => {
    const cwd = await scratchFolder()
    const [row] = await query(journal, `SELECT id FROM runs WHERE kind = 'calibrate'`)
    const ended = await fringe(['export', String(row!['id']), '--journal', journal, '-o', 'cal.npz', '--json'], { cwd })
    const { files } = (await documentOf('export', ended)) as { files: { arrays: string[]; tables: object[] }[] }
    expect(files[0]!.arrays).toEqual([])
    expect(files[0]!.tables).toContainEqual({ name: 'frames', rows: 0 })
  })

  test('leaves the file that was there, and no half, when the disk is full', async () => {
    const cwd = await scratchFolder()
    await copyFile(journal, join(cwd, 'fringe.db'))
    // Random digits, which no compression makes smaller than the limit; SQLite itself needs 32 KiB beside a journal.
    const many = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)'
    const readings = `SELECT ?, i, 'power', 'W', random() / 1e9, 'meter' FROM n`
    await edit(join(cwd, 'fringe.db'), `${many} INSERT INTO samples ${readings}`, truth.run.id)
    for (const form of ['run.npz', 'run.h5', 'run.csv', 'run.parquet']) {
      await writeFile(join(cwd, form), 'before')
      const ended = await fringe(['export', 'last', '-o', form, '--table', 'samples', '--json'], { cwd, limitKib: 64 })
      expect(await expectFailure(ended, 1, 'EXPORT_FAILED'), form).toMatch(/cannot be written: .*Make room/)
      expect(await readFile(join(cwd, form), 'utf8')).toBe('before')
      expect((await readdir(cwd)).filter((file) => file.endsWith('.part'))).toEqual([])
    }
  })

  test('is refused with 2 for a form that nobody can tell, a folder, and a place that is not there', async () => {
    const cwd = await scratchFolder()
    await mkdir(join(cwd, 'taken.npz'))
    for (const [args, message] of [
      [['-o', 'run.xlsx'], /run\.xlsx does not say its form: end it in one of \.npz, \.h5, \.hdf5, \.parquet, \.csv/],
      [['-o', 'taken.npz'], /taken\.npz is a folder/],
      [['-o', 'no/run.npz'], /there is no folder no; create it first/],
      [['--format', 'gif'], /Allowed choices are npz, hdf5, parquet, csv/],
      [['--table', 'lasers'], /Allowed choices are steps, frames, samples, energy, wire/],
      [['--table', 'steps', '--wire'], /write --table wire/],
    ] as const) {
      const ended = await fringe(['export', 'last', '--journal', journal, ...args, '--json'], { cwd })
      expect(await expectFailure(ended, 2, 'CALL_INVALID')).toMatch(message)
    }
    await expect(access(join(cwd, 'run.xlsx'))).rejects.toThrow()
  })

  test('takes a run that another process is writing as it is at one moment', async () => {
    const cwd = await scratchFolder()
    const running = await copyOf(journal)
    const live = { pid: process.pid, ...(await ownProcess()) }
    const process_ = JSON.stringify({ ...live, pid: undefined })
    await edit(
      running,
      `UPDATE runs SET status = 'running', pid = ?, process = ? WHERE kind = 'matmul'`,
      live.pid,
      process_,
    )
    const { ended } = await startFringe(
      ['export', 'last', '--journal', running, '-o', 'live.csv', '--table', 'frames'],
      { cwd },
    )
    expect((await ended).code).toBe(0)
    expect(await readFile(join(cwd, 'live.csv'), 'utf8')).toContain('"status":"running"')
  })

  interface Seen {
    readonly matrices: Readonly<Record<string, string>>
    readonly frames: readonly (readonly unknown[])[]
    readonly samples: readonly object[]
    readonly steps: readonly (readonly [string, string])[]
    readonly wire: readonly string[]
    readonly provenance: unknown
  }

  function expectTruth(seen: Seen): void {
    expect(seen.matrices).toEqual(truth.matrices)
    expect(seen.frames).toEqual(truth.frames.map(({ seq, timeNs, data }) => [seq, timeNs, data['probeError']]))
    expect(seen.samples).toEqual(truth.samples)
    expect(seen.steps).toEqual(
      truth.steps.map(({ name, detail }) => [name, detail === null ? '' : JSON.stringify(detail)]),
    )
    expectProvenance(seen.provenance)
  }

  function expectProvenance(found: unknown): void {
    const { id, header, result } = truth.run
    const { versions, commit, bench, calibrations, seed, instruments } = header
    expect(found).toMatchObject({
      ...{ format: 'fringe-export-1', run: id, kind: 'matmul', status: 'done', versions, commit, bench },
      ...{ calibrations, seed, instruments, arguments: header.arguments, result },
    })
  }
})

async function truthOf(file: string): Promise<Truth> {
  await using journal = await Journal.open(file, { clock: new SystemClock(), mode: 'read' })
  const run = await journal.readRun('last')
  const { a, b } = run.header.arguments as Record<'a' | 'b', { sha256: string }>
  const { product } = run.result as { product: { sha256: string } }
  const read = async (sha256: string) => decodeNpy(await journal.readBlob(sha256), sha256)
  const [left, right, computed] = [await read(a.sha256), await read(b.sha256), await read(product.sha256)]
  const matrix = ({ shape, data }: typeof left) => ({ rows: shape[0], columns: shape[1], data })
  const exact = exactProduct(matrix(left), matrix(right)).data
  const errors = computed.data.map((value, i) => value - exact[i]!)
  const hex = (data: Float64Array): string => Buffer.from(data.buffer).toString('hex')
  return {
    run,
    matrices: { A: hex(left.data), B: hex(right.data), C: hex(computed.data), errors: hex(errors) },
    frames: (await journal.readFrames('last')).map(({ data, ...rest }) => ({
      ...rest,
      data: data as Record<string, unknown>,
    })),
    samples: await journal.readSamples('last'),
    steps: await journal.readSteps('last'),
  }
}

async function ownProcess(): Promise<object> {
  const { identityOf } = await import('../../core/process-identity.ts')
  const { pid: _, ...rest } = identityOf(process.pid)
  return rest
}

const python = (module: string, code: string, file: string): Promise<string> =>
  runPython(code, { modules: [module, 'numpy'], args: [file] })

/** JSON of Python writes the shortest digits that give a float64 back. */
const READ_NPZ = `
import json, sys, numpy as np
z = np.load(sys.argv[1], allow_pickle=False)
w, raw = z['wire'], z['wire_bytes']
print(json.dumps({
  'matrices': {name: z[name].astype('<f8').tobytes().hex() for name in ('A', 'B', 'C', 'errors')},
  'frames': [[int(r['seq']), int(r['time_ns']), float(r['probeError'])] for r in z['frames']],
  'samples': [{'timeNs': int(r['time_ns']), 'quantity': str(r['quantity']), 'value': float(r['value']), 'unit': str(r['unit']), 'source': str(r['source'])} for r in z['samples']],
  'steps': [[str(r['name']), str(r['detail'])] for r in z['steps']],
  'wire': [raw[r['first_byte']:r['first_byte'] + r['length']].tobytes().hex() for r in w],
  'provenance': json.loads(str(z['provenance'])),
}))
`

const READ_HDF5 = `
import json, sys, h5py, numpy as np
f = h5py.File(sys.argv[1])
def plain(attributes):
    return {k: v.tolist() if isinstance(v, (np.ndarray, np.generic)) else v for k, v in attributes.items()}
def table(name):
    g = f[name]
    return {k: (g[k].asstr() if h5py.check_string_dtype(g[k].dtype) else g[k])[...].tolist() for k in g}
frames, samples, steps, wire = (table(name) for name in ('frames', 'samples', 'steps', 'wire'))
raw = f['wire/bytes'][...]
units = {}
f.visititems(lambda name, item: units.update({name: item.attrs['units']}) if 'units' in item.attrs else None)
print(json.dumps({
  'matrices': {name: f[name][...].astype('<f8').tobytes().hex() for name in ('A', 'B', 'C', 'errors')},
  'frames': [list(r) for r in zip(frames['seq'], frames['time_ns'], frames['probeError'])],
  'samples': [dict(zip(('timeNs', 'quantity', 'value', 'unit', 'source'), r)) for r in zip(*(samples[k] for k in ('time_ns', 'quantity', 'value', 'unit', 'source')))],
  'steps': [list(r) for r in zip(steps['name'], steps['detail'])],
  'wire': [raw[a:a + n].tobytes().hex() for a, n in zip(wire['first_byte'], wire['length'])],
  'provenance': json.loads(f['provenance'].asstr()[()]),
  'benchFile': f['bench_file'].asstr()[()],
  'attributes': plain(f.attrs),
  'instruments': {name: plain(g.attrs) for name, g in f['instruments'].items()},
  'units': units,
}))
`

/** By the Parquet library of the Apache Arrow project. */
async function parquet(file: string): Promise<{
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly types: readonly string[]
  readonly metadata: ReadonlyMap<string, string>
}> {
  const bytes = await readFile(file)
  const table = tableFromIPC(readParquet(bytes).intoIPCStream())
  const opened = await ParquetFile.fromFile(new Blob([bytes]))
  return {
    rows: table.toArray().map((row: { toJSON(): Record<string, unknown> }) => row.toJSON()),
    types: table.schema.fields.map(({ type }) => String(type)),
    metadata: opened.metadata().fileMetadata().keyValueMetadata() as ReadonlyMap<string, string>,
  }
}

/** RFC 4180 behind lines of comment. */
function csvOf(text: string): { readonly comments: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const lines = text.split('\n')
  const comments = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('#')),
  )
  const rest = lines.slice(comments.length).join('\n')
  const rows: string[][] = [[]]
  for (const [, quoted, plain = '', end] of rest.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    if (end === '' && plain === '' && quoted === undefined) break
    rows.at(-1)!.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === '\n') rows.push([])
  }
  return { comments, rows: rows.filter((row) => row.length > 0) }
}
