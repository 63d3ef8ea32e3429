import { describe, expect, test } from 'vitest'
import { BenchError } from '../../core/errors.ts'
import type { TemperatureController } from '../../core/instruments.ts'
import { powerDbm } from '../../core/quantities.ts'
import { accountJob, accountRun } from '../../orchestrator/ledger/account-energy.ts'
import { BOUNDARIES } from '../../orchestrator/ledger/boundaries.ts'
import type { EnergyAccount } from '../../orchestrator/ledger/energy.ts'
import { PowerLedger } from '../../orchestrator/ledger/power-ledger.ts'
import { ClockedLog } from '../support/clocked-log.ts'
import { openDirectBench } from '../support/direct-bench.ts'
import { neverAborted } from '../support/run-plan.ts'

interface Scene {
  readonly log: ClockedLog
  readonly ledger: PowerLedger
  /** Bench time so far, s. */
  readonly nowS: () => number
  readonly sleep: (seconds: number) => Promise<void>
  /** A frame of the job that takes so long, of two lanes with 3 and 2 vectors. */
  readonly frame: (seconds: number, tile?: number) => Promise<void>
}

/** A bench whose mains draw what `mainsW` says at its age in seconds, one laser of 20 mW, heaters of 50 mW. */
function sceneOf(
  mainsW: (ageS: number) => number,
  heatersMw: () => number = () => 50,
  ovens: Readonly<Record<string, (ageS: number) => number>> = {},
): Scene {
  const { bench: plain } = openDirectBench({ size: 2, lanes: 1 })
  const { clock } = plain
  const nowS = (): number => clock.monotonicNs() / 1e9
  const bench = {
    ...plain,
    lasers: plain.lasers.map((one) => ({
      ...one,
      laser: { ...one.laser, readPowerDbm: async () => powerDbm(10 * Math.log10(20)) },
    })),
    heaters: { ...plain.heaters, readPowersMw: async () => Float64Array.of(heatersMw()) },
    mains: { ...plain.mains, readPowerW: async () => mainsW(nowS()) },
    ovens: Object.entries(ovens).map(([name, readC]) => ({
      ...{ name, temperatureC: 30 },
      controller: { readTemperatureC: async () => readC(nowS()) } as unknown as TemperatureController,
    })),
  }
  const log = new ClockedLog(clock)
  const ledger = new PowerLedger(bench, log)
  const sleep = (seconds: number): Promise<void> => clock.sleep(1e3 * seconds, neverAborted)
  const frame = async (seconds: number, tile = 0): Promise<void> => {
    log.step('frame')
    await ledger.between(neverAborted)
    await sleep(seconds)
    log.frame()
    ledger.frame({ part: 'product', tile, vectors: [3, 2], macs: [30, 20] })
  }
  return { log, ledger, nowS, sleep, frame }
}

/** Lit at once, then a job of `frames` frames of a quarter of a second each, tiles in turn. */
async function jobOf(scene: Scene, frames: number, tiles = 1, afterS = 0): Promise<EnergyAccount> {
  const { ledger, log, frame } = scene
  log.step('light')
  ledger.begin('warm-up')
  ledger.lightOn()
  ledger.begin('idle')
  await ledger.look(neverAborted)
  ledger.begin('job')
  for (let i = 0; i < frames; i++) await frame(0.25, Math.floor((i * tiles) / frames))
  await scene.sleep(afterS)
  log.step('account energy')
  ledger.begin('idle')
  await ledger.look(neverAborted)
  ledger.end()
  return accountJob(ledger, (_, tile) => `tile ${tile}`)
}

const wallOf = ({ boundaries }: EnergyAccount): number => boundaries[3]!.joules
const quantityOf = ({ log }: Scene, quantity: string): readonly number[] =>
  log.samples.filter((sample) => sample.quantity === quantity).map(({ timeNs }) => timeNs / 1e9)

describe('power that is sampled while a job runs', () => {
  test('a bench of 900 W: 9 kJ in 10 s at the wall, 0.2 J of light, each with its error', async () => {
    const account = await jobOf(
      sceneOf(() => 900),
      40,
    )
    expect(account.benchSeconds).toBe(10)
    expect(account.macs).toBe(40 * 50)
    expect(wallOf(account)).toBeCloseTo(9000, 9)
    expect(account.boundaries[3]!.uncertainty.joules).toBeCloseTo(90, 9)
    expect(account.boundaries[0]!.joules).toBeCloseTo(0.2, 9)
    // Light of 20 mW at 20 %, and heaters of 50 mW.
    expect(account.boundaries[1]!.joules).toBeCloseTo(10 * (0.1 + 0.05), 9)
  })

  test('a job ends with its last frame: a minute of arithmetic behind it is idle', async () => {
    const account = await jobOf(
      sceneOf(() => 900),
      40,
      1,
      60,
    )
    expect(account.headings.map(({ heading, seconds }) => [heading, seconds])).toEqual([
      ['job', 10],
      ['idle', 60],
    ])
    expect(wallOf(account)).toBeCloseTo(9000, 9)
  })

  test('a load that climbs by 7 W a second is integrated along its ramp, to 10⁻⁹', async () => {
    const account = await jobOf(
      sceneOf((ageS) => 900 + 7 * ageS),
      40,
    )
    expect(wallOf(account) / (9000 + (7 * 10 ** 2) / 2)).toBeCloseTo(1, 9)
  })

  test('is looked at before the job, every second of it, and behind it; heaters also when the first tile stands', async () => {
    const scene = sceneOf(() => 900)
    await jobOf(scene, 18)
    for (const quantity of ['power of whole bench', 'power of laser light, laser-0']) {
      expect(quantityOf(scene, quantity), quantity).toEqual([0, 1, 2, 3, 4, 4.5])
    }
    expect(quantityOf(scene, 'power of heaters')).toEqual([0, 0.25, 1, 2, 3, 4, 4.5])
    expect(new Set(scene.log.samples.map(({ unit }) => unit))).toEqual(new Set(['W']))
  })

  test('looks that take half a second are 25 s apart: a fiftieth of the time', async () => {
    const scene = sceneOf(() => 900)
    const slow = scene.ledger.look.bind(scene.ledger)
    scene.ledger.look = async (signal) => {
      await scene.sleep(0.5)
      await slow(signal)
    }
    await jobOf(scene, 400)
    // Before the job, once its first tile stands, and a second later; only then is it known what a look takes.
    const [first, ...later] = quantityOf(scene, 'power of heaters').slice(2, -1)
    expect(later.length).toBeGreaterThan(2)
    for (const [i, atS] of later.entries()) expect(atS - [first!, ...later][i]!).toBeCloseTo(25.5, 0)
  })

  test('heaters count from the first tile on, although they were cold when the job began', async () => {
    let isCold = true
    const scene = sceneOf(
      () => 900,
      () => (isCold ? 0 : 80),
    )
    const { frame } = scene
    const account = await jobOf({ ...scene, frame: async (...args) => ((isCold = false), frame(...args)) }, 8)
    expect(account.shares.find(({ component }) => component === 'heaters')!.joules).toBeCloseTo(2 * 0.08, 12)
  })
})

describe('a meter that falls silent', () => {
  const silence = (code: 'TRANSPORT_TIMEOUT' | 'PROTOCOL_UNEXPECTED_REPLY' = 'TRANSPORT_TIMEOUT'): never => {
    throw new BenchError(code, 'no answer')
  }

  test('does not stop the job: its seconds are modelled by the mean before, and said to be', async () => {
    const scene = sceneOf((ageS) => (ageS > 3 && ageS < 7 ? silence() : 900 + ageS))
    const account = await jobOf(scene, 48)
    const [gap, ...others] = account.silent
    expect(others).toEqual([])
    // The last reading before, at 3 s; asked in vain at 4 s, let alone once, asked again at 6 s and then at 10 s.
    expect(gap).toMatchObject({ component: 'whole bench', fromSeconds: 3, toSeconds: 10 })
    expect(gap!.powerW).toBeCloseTo(901.5, 9)
    const wall = account.shares.find(({ component }) => component === 'whole bench')!
    expect(wall).toMatchObject({ source: 'measured', measuredSeconds: 5, modelledSeconds: 7 })
    expect(wallOf(account)).toBeCloseTo(10 * 901.5 + 2 * 911, 6)
    expect(wall.uncertaintyJ).toBeGreaterThan(0.01 * wall.joules)
    const said = scene.log.steps.filter(({ name }) => name === 'no reading')
    expect(said.map(({ timeNs }) => timeNs / 1e9)).toEqual([4, 6])
    expect(said[0]!.detail).toEqual({
      quantity: 'power of whole bench',
      source: 'mains meter',
      code: 'TRANSPORT_TIMEOUT',
    })
  })

  test('for good, is asked ever less often, and all that is left is modelled', async () => {
    const scene = sceneOf((ageS) => (ageS > 3 ? silence('PROTOCOL_UNEXPECTED_REPLY') : 900))
    const account = await jobOf(scene, 4 * 60)
    expect(account.silent).toEqual([{ component: 'whole bench', fromSeconds: 3, toSeconds: 60, powerW: 900 }])
    expect(wallOf(account)).toBeCloseTo(60 * 900, 6)
    expect(scene.log.steps.filter(({ name }) => name === 'no reading').length).toBeLessThan(7)
    // Others are asked as before.
    expect(quantityOf(scene, 'power of heaters').length).toBeGreaterThan(60)
  })

  test('from the beginning leaves nothing to count with: ENERGY_UNMEASURED before the job', async () => {
    const scene = sceneOf(() => silence())
    await expect(jobOf(scene, 4)).rejects.toMatchObject({
      code: 'ENERGY_UNMEASURED',
      context: { sources: ['mains meter'] },
    })
    expect(scene.nowS()).toBe(0)
  })

  test('and an instrument that restarted is more than silent: its error stops the job', async () => {
    const scene = sceneOf((ageS) => {
      if (ageS > 2) throw new BenchError('INSTRUMENT_STATE_LOST', 'it restarted')
      return 900
    })
    await expect(jobOf(scene, 40)).rejects.toMatchObject({ code: 'INSTRUMENT_STATE_LOST' })
  })
})

describe('energy by what it was for', () => {
  test('headings sum to the run to the last digit, and the job has only its own', async () => {
    const scene = sceneOf((ageS) => 900 + Math.sin(ageS))
    const { ledger, log, sleep } = scene
    log.step('open bench')
    // Not the account's yet.
    await sleep(3)
    log.step('warm up')
    await ledger.look(neverAborted)
    ledger.begin('warm-up')
    await sleep(31.7)
    log.step('follow drift')
    ledger.begin('calibration')
    await sleep(4.1)
    log.step('wait')
    ledger.begin('idle')
    await sleep(2.2)
    const account = await jobOf(scene, 40)
    const run = accountRun(ledger)
    expect(account.headings.map(({ heading, seconds }) => [heading, Number(seconds.toFixed(9))])).toEqual([
      ['job', 10],
      ['warm-up', 31.7],
      ['calibration', 4.1],
      ['idle', 2.2],
    ])
    const ofRun = (component: string): number => run.shares.find((share) => share.component === component)!.joules
    const walls = account.headings.map(({ joules }) => joules['wall-plug'])
    expect(walls.reduce((sum, joules) => sum + joules)).toBe(ofRun('whole bench'))
    expect(walls.toReversed().reduce((sum, joules) => sum + joules)).toBe(ofRun('whole bench'))
    expect(account.headings[0]!.joules['wall-plug']).toBe(wallOf(account))
  })

  test('is never negative, and grows from boundary to boundary, where cold heaters are read as noise', async () => {
    const { ledger, log, sleep } = sceneOf(
      () => 900,
      () => -7e-7,
    )
    ledger.begin('idle')
    await ledger.look(neverAborted)
    await sleep(2)
    log.step('light')
    ledger.begin('warm-up')
    ledger.lightOn()
    await sleep(1)
    log.step('account energy')
    ledger.begin('idle')
    await ledger.look(neverAborted)
    ledger.end()
    const { headings } = accountRun(ledger)
    expect(headings.map(({ heading, seconds }) => [heading, seconds])).toEqual([
      ['warm-up', 1],
      ['idle', 2],
    ])
    for (const { joules } of headings) {
      const grown = BOUNDARIES.map((boundary) => joules[boundary])
      expect(Math.min(...grown)).toBeGreaterThanOrEqual(0)
      expect(grown).toEqual(grown.toSorted((a, b) => a - b))
    }
  })

  test('a look at the chip between two frames is calibration, not the job’s', async () => {
    const scene = sceneOf(() => 900)
    const { frame, ledger, log, sleep } = scene
    let frames = 0
    const withLook = async (...args: Parameters<Scene['frame']>): Promise<void> => {
      await frame(...args)
      if (++frames !== 3) return
      log.step('frame')
      ledger.interruptJob('calibration')
      await sleep(5)
      log.step('chip followed')
      ledger.resumeJob()
    }
    const account = await jobOf({ ...scene, frame: withLook }, 8)
    expect(account.benchSeconds).toBe(2)
    expect(wallOf(account)).toBeCloseTo(1800, 9)
    expect(account.headings.map(({ heading, seconds }) => [heading, seconds])).toEqual([
      ['job', 2],
      ['calibration', 5],
    ])
    expect(account.headings[1]!.joules['wall-plug']).toBeCloseTo(4500, 9)
  })
})

describe('energy by part, tile and lane', () => {
  test('sums to the job’s to the last digit at every boundary, and its multiplications do', async () => {
    const account = await jobOf(
      sceneOf((ageS) => 900 + 20 * Math.sin(ageS)),
      41,
      7,
    )
    expect(account.tiles).toHaveLength(7)
    expect(account.lanes.map(({ name }) => name)).toEqual(['lane 0', 'lane 1'])
    expect(account.parts.map(({ name }) => name)).toEqual(['product'])
    for (const parts of [account.parts, account.tiles, account.lanes]) {
      for (const [i, boundary] of BOUNDARIES.entries()) {
        const joules = parts.map((part) => part.joules[boundary])
        expect(joules.reduce((sum, part) => sum + part)).toBe(account.boundaries[i]!.joules)
        expect(joules.toReversed().reduce((sum, part) => sum + part)).toBe(account.boundaries[i]!.joules)
      }
      expect(parts.reduce((sum, { macs }) => sum + macs, 0)).toBe(account.macs)
    }
  })

  test('goes to tiles by the bench time that each took, and to lanes by their vectors', async () => {
    const { boundaries, tiles, lanes } = await jobOf(
      sceneOf(() => 900),
      40,
      4,
    )
    for (const { joules } of tiles) expect(joules['wall-plug']).toBeCloseTo(boundaries[3]!.joules / 4, 9)
    expect(lanes[0]!.joules.converters / lanes[1]!.joules.converters).toBeCloseTo(3 / 2, 9)
    expect(lanes.map(({ macs }) => macs)).toEqual([1200, 800])
  })
})

describe('temperatures that are sampled beside the power', () => {
  test('are those of every oven, in °C, as often as the meters, and no part of the energy', async () => {
    const heat = { mux: () => 25, chip: (ageS: number) => 30 + ageS / 100 }
    const scene = sceneOf(
      () => 900,
      () => 50,
      heat,
    )
    const account = await jobOf(scene, 40)
    const chip = scene.log.samples.filter(({ quantity }) => quantity === 'temperature of chip')
    expect(chip[3]).toEqual({
      ...{ quantity: 'temperature of chip', unit: '°C', value: 30.03, timeNs: 3e9 },
      source: 'temperature controller of chip',
    })
    expect(quantityOf(scene, 'temperature of mux')).toEqual(quantityOf(scene, 'power of whole bench'))
    expect(account.shares).toEqual(
      (
        await jobOf(
          sceneOf(() => 900),
          40,
        )
      ).shares,
    )
  })

  test('of a controller that falls silent are missing, which the journal says, and the job goes on', async () => {
    const chip = (ageS: number): number => {
      if (ageS > 3 && ageS < 7) throw new BenchError('TRANSPORT_TIMEOUT', 'no answer')
      return 30
    }
    const scene = sceneOf(
      () => 900,
      () => 50,
      { chip },
    )
    const account = await jobOf(scene, 40)
    expect(account.silent).toEqual([])
    expect(quantityOf(scene, 'temperature of chip')).toEqual([0, 1, 2, 3, 10])
    expect(scene.log.steps.filter(({ name }) => name === 'no reading').map(({ detail }) => detail)).toEqual(
      Array.from({ length: 2 }, () => ({
        ...{ quantity: 'temperature of chip', source: 'temperature controller of chip', code: 'TRANSPORT_TIMEOUT' },
      })),
    )
  })
})
