import { describe, expect, test } from 'vitest'
import { benchFromText } from '../../../bench/bench-file.ts'
import type { BenchFile } from '../../../bench/bench-file.ts'
import { openProductTwin } from '../../../bench/product-twin.ts'
import type { ProductTwinOptions } from '../../../bench/product-twin.ts'
import { accuracyOf } from '../../../core/accuracy.ts'
import { DEFAULT_DESIGN } from '../../../core/mesh-design.ts'
import type { DenseMatrix } from '../../../core/product-core.ts'
import { exactProduct } from '../../../orchestrator/jobs/matmul.ts'
import { meshBenchText } from '../../../perf/mesh-bench-text.ts'
import { productBy, randomMatrix } from '../../support/product-core.ts'
import { randomAwgrBench } from '../../support/random-awgr-bench.ts'
import { RandomStream } from '../../../core/random.ts'
import { neverAborted } from '../../support/run-plan.ts'

const meshFile = (changes: object = {}): BenchFile =>
  benchFromText(
    JSON.stringify({ ...(JSON.parse(meshBenchText(4, DEFAULT_DESIGN)) as object), ...changes }),
    'mesh.yaml',
  )

async function awgrFile(): Promise<BenchFile> {
  const { readBenchFile } = await import('../../../bench/bench-file.ts')
  return readBenchFile('test/cli/small-awgr.yaml')
}

const FILES = [
  ['a mesh', async () => meshFile()],
  ['an AWGR', awgrFile],
] as const

// Rows that are no whole blocks, tiles that reach beyond the edges of B.
const [a, b] = [randomMatrix(300, 10, 1), randomMatrix(10, 7, 2)]

async function product(
  file: BenchFile,
  options: Partial<ProductTwinOptions> = {},
  left: DenseMatrix = a,
  right: DenseMatrix = b,
): Promise<Float64Array> {
  await using core = openProductTwin(file, { seed: 3, threads: 1, engine: 'wasm', ...options })
  return (await productBy(core, left, right)).c
}

describe.each(FILES)('the core of %s as kernels compute it', (_, fileOf) => {
  test('multiplies to more than 9 effective bits', async () => {
    const [c, exact] = [await product(await fileOf()), exactProduct(a, b).data]
    const { effectiveBits } = accuracyOf(
      exact,
      c.map((value, at) => value - exact[at]!),
    )
    expect(effectiveBits).toBeGreaterThan(9)
    expect(effectiveBits).toBeLessThan(13)
  })

  test('gives the same bits in WebAssembly and in plain JavaScript, and on one thread and three', async () => {
    const file = await fileOf()
    const c = await product(file)
    expect(await product(file, { engine: 'javascript' }, a, b)).toStrictEqual(c)
    expect(await product(file, { threads: 3 })).toStrictEqual(c)
  })

  test('gives a row the same product whatever rows come with it', async () => {
    const file = await fileOf()
    const fewer = { ...a, rows: 261, data: a.data.slice(0, 261 * a.columns) }
    expect(await product(file, {}, fewer)).toStrictEqual((await product(file)).slice(0, 261 * b.columns))
  })

  test('has noise of its own for each seed', async () => {
    const file = await fileOf()
    expect(await product(file, { seed: 4 })).not.toStrictEqual(await product(file))
  })

  test('scales by powers of two, so that factors of any size lose nothing', async () => {
    const file = await fileOf()
    const scaled = (matrix: DenseMatrix, factor: number) => ({
      ...matrix,
      data: matrix.data.map((value) => value * factor),
    })
    const c = await product(file)
    const far = await product(file, {}, scaled(a, 2 ** 900), scaled(b, 2 ** -950))
    expect(far).toStrictEqual(c.map((value) => value * 2 ** -50))
    // Zeros are no scale to divide by.
    const dark = await product(file, {}, scaled(a, 0))
    expect(dark.every((value) => value === 0)).toBe(true)
  })

  test('takes float32 as it is', async () => {
    const file = await fileOf()
    const single = { ...a, data: Float32Array.from(a.data) }
    const asDouble = { ...a, data: Float64Array.from(single.data) }
    expect(await product(file, {}, single)).toStrictEqual(await product(file, {}, asDouble))
  })
})

describe('a core that computes', () => {
  test('counts readings over the range of the meters', async () => {
    const detection = { kind: 'balanced-homodyne', rangeDbm: -20 }
    await using core = openProductTwin(meshFile({ detection }), { seed: 3, threads: 1, engine: 'wasm' })
    const { overRange } = await productBy(core, a, b)
    expect(overRange).toBeGreaterThan(0)
  })

  test('stops with the reason of the signal, and can be programmed again', async () => {
    await using core = openProductTwin(meshFile(), { seed: 3, threads: 1, engine: 'wasm' })
    const caller = new AbortController()
    {
      await using factor = await core.program(b, caller.signal)
      caller.abort(new Error('enough'))
      const out = new Float64Array(8 * 7)
      const values = a.data.subarray(0, 80)
      await expect(factor.multiplyBlock({ first: 0, rows: 8, values }, out, caller.signal)).rejects.toThrow('enough')
      // Weights that nobody makes any more are waited for by nobody.
      await expect(factor.multiplyBlock({ first: 0, rows: 8, values }, out, neverAborted)).rejects.toThrow('enough')
      await expect(core.program(b, neverAborted)).rejects.toMatchObject({ code: 'CALL_INVALID' })
    }
    const { c } = await productBy(core, a, b)
    expect(c).toStrictEqual(await product(meshFile()))
  })

  test('refuses blocks that begin elsewhere, and more of them than it takes', async () => {
    await using core = openProductTwin(meshFile(), { seed: 3, threads: 1, engine: 'wasm' })
    await using factor = await core.program(b, neverAborted)
    const block = (first: number) =>
      factor.multiplyBlock({ first, rows: 8, values: a.data.subarray(0, 80) }, new Float64Array(56), neverAborted)
    await expect(block(8)).rejects.toThrow(/begins at a multiple of 256/)
    const four = await Promise.allSettled([block(0), block(256), block(512), block(768)])
    expect(four.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
  })

  test('leaves the same product in memory of its own as in that of others, and has room for as many blocks as it takes', async () => {
    await using core = openProductTwin(meshFile(), { seed: 3, threads: 1, engine: 'wasm' })
    await using factor = await core.program(b, neverAborted)
    // Whole rounds of what stands between, and a rest that is no multiple of four.
    const rows = 37
    const own = factor.room()
    const other = new Float64Array(rows * b.columns)
    for (const out of [own, other]) {
      await factor.multiplyBlock({ first: 0, rows, values: a.data.subarray(0, rows * 10) }, out, neverAborted)
    }
    expect(own).toHaveLength(core.rowsPerBlock * b.columns)
    expect([...own.subarray(0, other.length)]).toEqual([...other])
    for (let more = 1; more < core.blocksAtOnce; more++) factor.room()
    expect(() => factor.room()).toThrow(expect.objectContaining({ code: 'CALL_INVALID' }))
  })

  test('models what its bench draws: light, heaters and everything else', () => {
    const core = openProductTwin(meshFile(), { seed: 3, threads: 1, engine: 'wasm' })
    // 8 dBm, 4 ports, one lane; 12 MZIs and 4 attenuators with two heaters each, 4 trimmers and 4 of the local oscillators.
    expect(core.modelled.lightW).toBeCloseTo(6.3096e-3, 6)
    expect(core.modelled.heatersW).toBeCloseTo((2 * 16 + 8) * 21.4e-3, 6)
    expect(core.modelled).toMatchObject({ modulators: 4, photodiodes: 8, lanes: 1, restW: 900, symbolPeriodS: 40e-6 })
    return core[Symbol.asyncDispose]()
  })
})

describe('benches that kernels cannot stand in for', () => {
  const twinOf = (twin: object) => () => openProductTwin(meshFile({ twin }), { seed: 1, threads: 1 })

  test.each([
    [{ loMismatchM: 1 }, 'loMismatchM'],
    [{ edfaGainDb: 10 }, 'edfaGainDb'],
    [{ photodiodeSaturationMw: 1 }, 'photodiodeSaturationMw'],
    [{ receiverFullScaleMw: 1 }, 'receiverFullScaleMw'],
    [{ dacEffectiveBits: 6 }, 'dacEffectiveBits'],
    [{ adcJitterFs: 100 }, 'adcJitterFs'],
    [{ mzmBandwidthMhz: 0.01 }, 'mzmBandwidthMhz'],
    [{ receiverBandwidthMhz: 0.01 }, 'receiverBandwidthMhz'],
  ])('with %o are refused by the name of what they have', (twin, name) => {
    expect(twinOf(twin)).toThrow(expect.objectContaining({ code: 'CALL_INVALID' }))
    expect(twinOf(twin)).toThrow(name)
  })

  test.each([
    [{ ...DEFAULT_DESIGN, detection: 'intensity' } as const, /signs/],
    [{ ...DEFAULT_DESIGN, form: 'unitary' } as const, /orthogonal/],
  ])('and cores that are no multipliers, too', (design, why) => {
    const file = benchFromText(meshBenchText(4, design), 'mesh.yaml')
    expect(() => openProductTwin(file, { seed: 1, threads: 1 })).toThrow(why)
  })

  test('as are rings that all ports share, and absorbers', () => {
    const refused = new Set<string>()
    for (let seed = 0; seed < 40; seed++) {
      const file = benchFromText(randomAwgrBench(new RandomStream(seed, 'refused')), 'awgr.yaml')
      try {
        void openProductTwin(file, { seed: 1, threads: 1, engine: 'javascript' })[Symbol.asyncDispose]()
      } catch (error) {
        refused.add((error as Error).message.replace(/.*kernels: /, ''))
      }
    }
    expect([...refused].join()).toMatch(/circulant/)
  })
})
