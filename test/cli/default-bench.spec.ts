import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { EnergyAccount, RunEnergy } from '../../orchestrator/ledger/energy.ts'
import { pythonHas, runPython } from '../support/python.ts'
import { oncePerRun } from '../support/once-per-run.ts'
import { DEFAULT_BENCH, documentOf, fringe, fringeOnce, query, ROOT, scratchFolder } from './fringe-process.ts'
import type { Ended } from './fringe-process.ts'
import { movedBench } from './served-bench.ts'

const PATIENCE_MS = 300_000
const SEED = ['--seed', '7']
const modules = ['numpy']
const hasNumpy = pythonHas(...modules)
if (!hasNumpy) console.info('skipped: no Python here has NumPy (Debian: python3-numpy)')

describe('the default bench on its twin', { timeout: PATIENCE_MS }, () => {
  let folder = ''
  let demo: Ended
  beforeAll(async () => {
    folder = await oncePerRun('demo', async (place) => {
      demo = await fringeOnce(['demo', ...SEED, '--json'], place)
    })
  }, PATIENCE_MS)

  /** A folder with the demonstration's journal, where C.npy will be. */
  async function workplace(): Promise<string> {
    const place = await scratchFolder()
    await copyFile(join(folder, 'fringe.db'), join(place, 'fringe.db'))
    return place
  }
  const factors = ['A', 'B'].map((name) => join(ROOT, 'examples', 'data', `${name}.npy`))
  const product = (...more: string[]): string[] => [
    'matmul',
    DEFAULT_BENCH,
    ...factors,
    '-o',
    'C.npy',
    ...SEED,
    ...more,
  ]

  test('goes through wires, calibration, product and both replays in one demonstration', async () => {
    expect(demo.code, demo.stderr).toBe(0)
    const { calibrate, matmul, replays } = (await documentOf('demo', demo)) as unknown as {
      calibrate: { run: string; verification: { effectiveBits: number } }
      matmul: { run: string; effectiveBits: number }
      replays: { run: string; matched: boolean; divergence: null }[]
    }
    // The goal of this bench; what it reaches is measured by npm run bench.
    expect(matmul.effectiveBits).toBeGreaterThan(5.5)
    expect(calibrate.verification.effectiveBits).toBeGreaterThan(5.5)
    expect(replays).toMatchObject([calibrate, matmul].map(({ run }) => ({ run, matched: true, divergence: null })))
  })

  test('counts energy while it runs: tiles and lanes sum to the product’s to the last digit, each boundary has its error', async () => {
    const { calibrate, matmul } = (await documentOf('demo', demo)) as unknown as {
      calibrate: { energy: RunEnergy }
      matmul: { energy: EnergyAccount }
    }
    const { boundaries, tiles, lanes, headings, macs, silent } = matmul.energy
    expect([tiles.length, lanes.length]).toEqual([64, 2])
    for (const { boundary, joules, uncertainty } of boundaries) {
      for (const parts of [tiles, lanes]) {
        expect(parts.reduce((sum, part) => sum + part.joules[boundary], 0)).toBe(joules)
      }
      expect(uncertainty.joules / joules).toBeGreaterThan(0.009)
      expect(uncertainty.joules / joules).toBeLessThan(0.5)
    }
    expect(tiles.reduce((sum, tile) => sum + tile.macs, 0)).toBe(macs)
    expect(headings.map(({ heading }) => heading)).toEqual(['job', 'warm-up', 'idle'])
    expect(silent).toEqual([])
    // The rack draws 900 W and some for its ovens, lasers and heaters, whatever it does.
    for (const { joules, seconds } of [...headings, ...calibrate.energy.headings]) {
      expect(joules['wall-plug'] / seconds).toBeGreaterThan(899)
      expect(joules['wall-plug'] / seconds).toBeLessThan(912)
    }
    expect(calibrate.energy.headings.map(({ heading }) => heading)).toEqual(['warm-up', 'calibration', 'idle'])
  })

  test('says in its report what the product is worth and what it cost', () => {
    for (const word of [
      /all 31 instruments answer/,
      /\d\.\d\d effective bits, NRMSE/,
      /TOPS/,
      /wall-plug +[\d.e+]+ +[\d.e+]+/,
      /paper, not claimed +– +118\.6/,
      /computed\n.*│/,
      /wire replay of \S+ matched: .* C is the same bit for bit/,
      /The journal is fringe\.db/,
    ]) {
      expect(demo.stderr).toMatch(word)
    }
  })

  test('gives the same C.npy over sockets, pseudo-terminals and Modbus ports as inside the process', async () => {
    const place = await workplace()
    const inside = await fringe(product('--sim', '--json'), { cwd: place })
    const one = await readFile(join(place, 'C.npy'))
    const outside = await fringe(product('--sim=wire', '--json'), { cwd: place })
    expect(outside.code, outside.stderr).toBe(0)
    expect(Buffer.compare(await readFile(join(place, 'C.npy')), one)).toBe(0)
    const [first, second] = [await documentOf('matmul', inside), await documentOf('matmul', outside)]
    // Real sockets answer in their own order: while ovens warm up or a frame plays the clock may have gone a little
    // further when a power is read.
    const { energy, run, seconds } = second
    expect(second).toEqual({ ...first, energy, run, seconds })
    const [piped, served] = [first['energy'] as EnergyAccount, energy as EnergyAccount]
    expect(served.benchSeconds).toBe(piped.benchSeconds)
    for (const [at, { joules }] of served.boundaries.entries()) {
      expect(joules / piped.boundaries[at]!.joules).toBeCloseTo(1, 3)
    }
    // What went over real wires replays as well, although its bytes came in other pieces.
    const replay = await fringe(['replay', String(second['run']), '--json'], { cwd: place })
    expect(await documentOf('replay', replay)).toMatchObject({ run: second['run'], matched: true, divergence: null })
    expect(replay.code).toBe(0)
  })

  test('gives the same C.npy with its meters moved to VXI-11 and HiSLIP, calibrated from cold there', async () => {
    const [place, elsewhere] = [await scratchFolder(), await scratchFolder()]
    const resources = {
      'pm-0': 'TCPIP::10.0.0.20::inst0::INSTR',
      'pm-1': 'TCPIP::10.0.0.21::inst0::INSTR',
      'pm-2': 'TCPIP::10.0.0.22::hislip0::INSTR',
      'pm-3': 'TCPIP::10.0.0.23::hislip0::INSTR',
    }
    // A calibration is longer than what drifts is held for, and real sockets may find the next hold a frame earlier.
    const still = { driftHoldS: 600 }
    const unmoved = await movedBench(place, DEFAULT_BENCH, {}, still)
    const moved = await movedBench(elsewhere, DEFAULT_BENCH, resources, still)
    const on = (bench: string, ...more: string[]): string[] => product(...more).with(1, bench)
    expect((await fringe(on(unmoved, '--sim=direct'), { cwd: place })).code).toBe(0)
    const ended = await fringe(on(moved, '--sim=wire', '--json'), { cwd: elsewhere })
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toContain('no calibration of mesh-8x8 (twin:7)')
    const [one, other] = await Promise.all([place, elsewhere].map((folder) => readFile(join(folder, 'C.npy'))))
    expect(Buffer.compare(one!, other!)).toBe(0)
    const replay = await fringe(['replay', 'last', '--json'], { cwd: elsewhere })
    expect(await documentOf('replay', replay)).toMatchObject({ matched: true, divergence: null })
    const { header } = (await documentOf('show', await fringe(['show', 'last', '--json'], { cwd: elsewhere }))) as {
      header: { instruments: { name: string; resource: string }[] }
    }
    const meters = header.instruments.filter(({ name }) => name.startsWith('pm-'))
    expect(meters.map(({ resource }) => /::(inst\d|hislip\d).*::INSTR$/.exec(resource)?.[1])).toEqual([
      'inst0',
      'inst1',
      'hislip0',
      'hislip1',
    ])
  })

  test('uses the calibration that it finds, without a word about calibrating', async () => {
    const place = await workplace()
    const { stderr } = await fringe(product('--sim'), { cwd: place })
    expect(stderr).not.toContain('calibrat')
    expect(await query(join(place, 'fringe.db'), 'SELECT count(*) AS n FROM calibrations')).toEqual([{ n: 1 }])
  })

  test.skipIf(!hasNumpy)('multiplies what NumPy wrote, for NumPy to read', async () => {
    const place = await workplace()
    await runPython(WRITE_FACTORS, { modules, args: [place] })
    const args = ['matmul', DEFAULT_BENCH, 'A.npy', 'B.npy', '-o', 'C.npy', '--sim', ...SEED, '--json']
    const ended = await fringe(args, { cwd: place })
    expect(ended.code, ended.stderr).toBe(0)
    const { effectiveBits, nrmse } = (await documentOf('matmul', ended)) as { effectiveBits: number; nrmse: number }
    const seen = JSON.parse(await runPython(READ_PRODUCT, { modules, args: [place] })) as NumpySaw
    expect(seen).toMatchObject({ shape: [20, 11], dtype: 'float64' })
    // The same two formulas, by somebody else.
    expect(seen.effectiveBits).toBeCloseTo(effectiveBits, 6)
    expect(seen.nrmse).toBeCloseTo(nrmse, 9)
  })
})

interface NumpySaw {
  readonly shape: readonly number[]
  readonly dtype: string
  readonly effectiveBits: number
  readonly nrmse: number
}

/** As experiments have them: integers, single precision in Fortran order. */
const WRITE_FACTORS = `
import sys, numpy
random = numpy.random.default_rng(7)
numpy.save(sys.argv[1] + '/A.npy', random.integers(-90, 90, (20, 33)).astype('>i2'))
numpy.save(sys.argv[1] + '/B.npy', numpy.asfortranarray(random.normal(size=(33, 11)).astype('float32')))
`

const READ_PRODUCT = `
import sys, json, numpy
A, B, C = (numpy.load(sys.argv[1] + '/' + name + '.npy') for name in 'ABC')
exact = A.astype('float64') @ B.astype('float64')
rms, span = numpy.sqrt(numpy.mean((C - exact) ** 2)), exact.max() - exact.min()
print(json.dumps({'shape': C.shape, 'dtype': str(C.dtype), 'effectiveBits': numpy.log2(span / rms), 'nrmse': rms / span}))
`
