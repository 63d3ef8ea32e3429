import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { serveMetrics } from '../../cli/metrics-server.ts'
import { VirtualClock } from '../../core/clock.ts'
import type { Clock } from '../../core/clock.ts'
import { withStep } from '../../core/step-context.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import type { RunHeader } from '../../orchestrator/journal/records.ts'
import type { RunWriter } from '../../orchestrator/journal/run-writer.ts'
import { pythonHas, runPython } from '../support/python.ts'
import {
  expectFailure,
  fringe,
  scratchFolder,
  SMALL_BENCH,
  SMALL_PRODUCT,
  startFringe,
  writeSmallFactors,
} from './fringe-process.ts'

const PATIENCE_MS = 240_000
const parser = { modules: ['prometheus_client.parser'] }
const hasParser = pythonHas(...parser.modules)
if (!hasParser) console.info('skipped: no Python here has prometheus_client (Debian: python3-prometheus-client)')

const HERE = { host: '127.0.0.1', port: 0 }
const HEADER: RunHeader = {
  ...{ versions: {}, engines: {}, commit: null, bench: { path: 'b.yaml', text: '', hash: '' } },
  ...{ calibrations: [], seed: null, instruments: [] },
  arguments: { command: 'matmul', a: { rows: 40, columns: 8 }, b: { rows: 8, columns: 8 } },
}

interface Family {
  readonly type: string
  readonly help: string
  /** [labels as JSON]: value */
  readonly samples: Readonly<Record<string, number>>
}

/** By Prometheus's own client for Python. */
async function parsed(text: string): Promise<Readonly<Record<string, Family>>> {
  const code = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
print(json.dumps({f.name: {'type': f.type, 'help': f.documentation, 'samples': {s.name + json.dumps(s.labels): s.value for s in f.samples}} for f in parse(sys.argv[1])}))
`
  return JSON.parse(await runPython(code, { ...parser, args: [text] })) as Readonly<Record<string, Family>>
}

async function asked(url: string): Promise<string> {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return await response.text()
}

/** Runs begin at the computer's time, as those of commands do; their durations are the bench's. */
class DatedClock extends VirtualClock implements Clock {
  override epochMs(): number {
    return Date.now()
  }
}

/** Frames of ten rows on a core of 4 × 4: 16 of them make the product. */
async function frames(run: RunWriter, count: number, probeError: number, attempt = 1): Promise<void> {
  for (let i = 0; i < count; i++) {
    const step = run.step('frame', { tile: 0, firstRow: 0, rows: 10, attempt })
    withStep(step, () => run.frame({ step, tile: 0, probeError, probeNrmse: 2 ** -9, attempt }))
  }
  await run.flush()
}

describe('metrics of a run', () => {
  test.skipIf(!hasParser)(
    'are read by another client: frames, MACs, joules, power, temperature and probe error',
    async () => {
      const file = join(await scratchFolder(), 'fringe.db')
      await using served = await serveMetrics(HERE, file)
      expect(Object.keys(await parsed(await asked(served.url)))).not.toContain('fringe_frames')

      const clock = new DatedClock()
      await using journal = await Journal.open(file, { clock, mode: 'write' })
      const before = await journal.startRun({ kind: 'calibrate', header: HEADER })
      const cal = await before.calibration({ benchHash: 'h', chip: 'twin:1', record: { size: 4 } })
      await before.finish('done')
      const run = await journal.startRun({ kind: 'matmul', header: { ...HEADER, calibrations: [cal] } })
      const power = (value: number): void => {
        run.sample({ quantity: 'power of whole bench', unit: 'W', value, source: 'mains' })
      }
      power(900)
      run.sample({ quantity: 'temperature of chip', unit: '°C', value: 30.25, source: 'oven' })
      await frames(run, 8, 0.003)
      clock.moveTo(10e9)
      power(910)
      await frames(run, 1, 0.006, 2)

      const seen = await parsed(await asked(served.url))
      const of = (name: string): Family['samples'] => seen[name]!.samples
      expect(of('fringe_frames')).toEqual({ 'fringe_frames_total{}': 9 })
      expect(of('fringe_repeated_frames')).toEqual({ 'fringe_repeated_frames_total{}': 1 })
      // Half of 40 × 8 × 8.
      expect(of('fringe_macs')).toEqual({ 'fringe_macs_total{}': 1280 })
      expect(of('fringe_energy_joules')).toEqual({ 'fringe_energy_joules_total{"component": "whole bench"}': 9050 })
      expect(of('fringe_power_watts')).toEqual({ 'fringe_power_watts{"component": "whole bench"}': 910 })
      expect(of('fringe_temperature_celsius')).toEqual({ 'fringe_temperature_celsius{"place": "chip"}': 30.25 })
      // (8 · 0.003² + 0.006²) / 9
      expect(of('fringe_probe_error_ratio')['fringe_probe_error_ratio{}']).toBeCloseTo(Math.sqrt(12e-6), 12)
      expect(of('fringe_probe_effective_bits')).toEqual({ 'fringe_probe_effective_bits{}': 9 })
      expect(of('fringe_runs')).toEqual({
        'fringe_runs_total{"job": "calibrate"}': 1,
        'fringe_runs_total{"job": "matmul"}': 1,
      })
      expect(of('fringe_run_active')).toEqual({ 'fringe_run_active{"job": "matmul"}': 1 })
      for (const [name, { type, help }] of Object.entries(seen)) {
        expect(['counter', 'gauge'], name).toContain(type)
        expect(help.length, name).toBeGreaterThan(10)
      }
      // Asked again at once, and by two: nothing is counted twice.
      const again = await Promise.all([asked(served.url), asked(served.url)])
      for (const text of again) expect(text).toContain('fringe_frames_total 9')
      await run.finish('done')
      expect(await asked(served.url)).toContain('fringe_run_active{job="matmul"} 0')
    },
  )

  test('are at /metrics alone, only read, and gone with their server', async () => {
    const served = await serveMetrics(HERE, undefined)
    expect(await asked(served.url)).toMatch(/^# HELP fringe_build_info .*\n# TYPE fringe_build_info gauge\n/)
    expect((await fetch(served.url.replace('/metrics', '/'))).status).toBe(404)
    expect((await fetch(served.url, { method: 'POST' })).status).toBe(405)
    await served[Symbol.asyncDispose]()
    await expect(fetch(served.url)).rejects.toThrow()
  })
})

describe('fringe --metrics', { timeout: PATIENCE_MS }, () => {
  test('serves while a job runs, over a real socket, and lets go of the port when it is stopped', async () => {
    const cwd = await scratchFolder()
    await writeSmallFactors(cwd)
    const { child, ended, firstNote } = await startFringe([...SMALL_PRODUCT, '--metrics', '127.0.0.1:0'], { cwd })
    let said = ''
    child.stderr!.on('data', (text: string) => (said += text))
    await firstNote
    const url = /metrics: (\S+)/.exec(said)![1]!
    // A product without a calibration calibrates first.
    let text = ''
    while (!text.includes('fringe_run_active{job="calibrate"} 1')) text = await asked(url)
    expect(text).toContain('fringe_build_info{version="')
    expect(text).toContain('fringe_runs_total{job="calibrate"} 1')
    child.kill('SIGINT')
    expect((await ended).code).toBe(1)
    await expect(fetch(url)).rejects.toThrow()
  })

  test('is refused before anything is switched on where another program listens, and for what is no place', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const place = `127.0.0.1:${(taken.address() as AddressInfo).port}`
    const cwd = await scratchFolder()
    await writeSmallFactors(cwd)
    const refused = await fringe([...SMALL_PRODUCT, '--metrics', place, '--json'], { cwd })
    expect(await expectFailure(refused, 2, 'CALL_INVALID')).toContain(
      `no metrics can be served at ${place}: another program listens there. Give another port to --metrics`,
    )
    expect(await readdir(cwd)).toEqual(['A.npy', 'B.npy'])
    const wrong = await fringe(['sim', SMALL_BENCH, '--metrics', 'here', '--json'])
    expect(await expectFailure(wrong, 2, 'CALL_INVALID')).toContain('like 127.0.0.1:9464')
  })
})
