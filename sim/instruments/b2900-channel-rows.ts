import type { ScpiCall, ScpiNumberRule } from '../protocols/scpi-call.ts'
import type { ScpiRow } from '../protocols/scpi-commands.ts'
import { ScpiFault } from '../protocols/scpi-fault.ts'
import { scpiUnits } from '../protocols/scpi-units.ts'
import { MAINS_PERIOD_S } from './b2900-channel.ts'
import type { B2900Channel } from './b2900-channel.ts'
import { text } from './b2900-data.ts'
import { LARGEST, RANGES, rangeFor } from './b2900-ranges.ts'
import type { Quantity } from './b2900-ranges.ts'

const MOST_LEVELS = 2500
const APERTURE: ScpiNumberRule = { min: 8e-6, max: 2, default: 0.1 * MAINS_PERIOD_S, units: scpiUnits('S') }
const CYCLES: ScpiNumberRule = { min: APERTURE.min / MAINS_PERIOD_S, max: APERTURE.max / MAINS_PERIOD_S, default: 0.1 }

const NODES = { VOLT: 'VOLTage', CURR: 'CURRent' } as const
const UNITS = { VOLT: scpiUnits('V'), CURR: scpiUnits('A') } as const

/** `:OUTPut`, `:SOURce` and `:SENSe` of the channel that the suffix names. */
export function channelRows(channels: number, at: (call: ScpiCall) => B2900Channel): readonly ScpiRow[] {
  const c = `{${channels}}`
  const setting = (
    header: string,
    write: (channel: B2900Channel, call: ScpiCall) => void,
    read: (channel: B2900Channel, call: ScpiCall) => string,
    { takes = 1, asks = 0 } = {},
  ): ScpiRow => ({
    header,
    takes,
    asks,
    set: (call) => {
      const channel = at(call)
      write(channel, call)
      channel.apply()
    },
    query: (call) => read(at(call), call),
  })
  type Settings = B2900Channel['settings']
  const flag = (header: string, key: KeysOf<Settings, boolean>): ScpiRow =>
    setting(
      header,
      ({ settings }, call) => (settings[key] = call.boolean()),
      ({ settings }) => (settings[key] ? '1' : '0'),
    )
  const choice = (header: string, key: KeysOf<Settings, string>, ...words: readonly string[]): ScpiRow =>
    setting(
      header,
      ({ settings }, call) => ((settings as Record<typeof key, string>)[key] = call.word(...words)),
      ({ settings }) => settings[key],
    )

  const ofQuantity = (quantity: Quantity): readonly ScpiRow[] => {
    const rule: ScpiNumberRule = {
      min: -LARGEST[quantity],
      max: LARGEST[quantity],
      default: 0,
      units: UNITS[quantity],
    }
    const rangeRule: ScpiNumberRule = {
      ...rule,
      min: 0,
      max: RANGES[quantity].at(-1)!,
      default: RANGES[quantity][0]!,
    }
    const limitRule: ScpiNumberRule = { ...rule, min: 0, default: quantity === 'VOLT' ? 2 : 1e-4 }
    const source = `[:SOURce${c}]:${NODES[quantity]}`
    const sense = `:SENSe${c}:${NODES[quantity]}[:DC]`
    const number = (header: string, key: 'level' | 'triggered' | 'start' | 'stop'): ScpiRow =>
      setting(
        header,
        (channel, call) => {
          const value = call.number(rule)
          channel.settings.source[quantity][key] = value
          if (key === 'level') channel.settings.source[quantity].triggered = value
        },
        (channel, call) => text(call.left > 0 ? call.number(rule) : channel.settings.source[quantity][key]),
        { asks: 1 },
      )
    const ranges = (header: string, of: 'source' | 'sense'): readonly ScpiRow[] => [
      setting(
        header,
        ({ settings }, call) => {
          settings[of][quantity].range = rangeFor(quantity, call.number(rangeRule))
          settings[of][quantity].autoRange = false
        },
        ({ settings }) => text(settings[of][quantity].range),
      ),
      setting(
        `${header}:AUTO`,
        ({ settings }, call) => (settings[of][quantity].autoRange = call.boolean()),
        ({ settings }) => (settings[of][quantity].autoRange ? '1' : '0'),
      ),
    ]
    const list = (header: string, append: boolean): ScpiRow =>
      setting(
        header,
        ({ settings }, call) => {
          const levels = append ? [...settings.source[quantity].list] : []
          do levels.push(call.number(rule))
          while (call.left > 0)
          if (levels.length > MOST_LEVELS) throw new ScpiFault(-223)
          settings.source[quantity].list = levels
        },
        ({ settings }) => settings.source[quantity].list.map(text).join(),
        { takes: MOST_LEVELS },
      )
    return [
      number(`${source}[:LEVel][:IMMediate][:AMPLitude]`, 'level'),
      number(`${source}[:LEVel]:TRIGgered[:AMPLitude]`, 'triggered'),
      number(`${source}:STARt`, 'start'),
      number(`${source}:STOP`, 'stop'),
      ...ranges(`${source}:RANGe`, 'source'),
      setting(
        `${source}:MODE`,
        ({ settings }, call) =>
          (settings.source[quantity].mode = call.word('FIXed', 'SWEep', 'LIST') as 'FIX' | 'SWE' | 'LIST'),
        ({ settings }) => settings.source[quantity].mode,
      ),
      setting(
        `${source}:POINts`,
        ({ settings }, call) => (settings.source[quantity].points = call.integer(1, MOST_LEVELS)),
        ({ settings }) => `+${settings.source[quantity].points}`,
      ),
      setting(
        `${source}:STEP`,
        ({ settings }, call) => {
          const { start, stop } = settings.source[quantity]
          const points = Math.round(Math.abs((stop - start) / call.number(rule))) + 1
          if (!(points <= MOST_LEVELS)) throw new ScpiFault(-222)
          settings.source[quantity].points = points
        },
        ({ settings }) => {
          const { start, stop, points } = settings.source[quantity]
          return text(points === 1 ? 0 : (stop - start) / (points - 1))
        },
      ),
      list(`[:SOURce${c}]:LIST:${NODES[quantity]}`, false),
      list(`[:SOURce${c}]:LIST:${NODES[quantity]}:APPend`, true),
      {
        header: `[:SOURce${c}]:LIST:${NODES[quantity]}:POINts`,
        query: (call) => `+${at(call).settings.source[quantity].list.length}`,
      },
      setting(
        `${sense}:PROTection[:LEVel]`,
        ({ settings }, call) => (settings.sense[quantity].limit = call.number(limitRule)),
        ({ settings }) => text(settings.sense[quantity].limit),
      ),
      {
        header: `${sense}:PROTection:TRIPped`,
        query: (call) => {
          const channel = at(call)
          return channel.limited && channel.settings.force !== quantity ? '1' : '0'
        },
      },
      ...ranges(`${sense}:RANGe[:UPPer]`, 'sense'),
      setting(
        `${sense}:APERture`,
        ({ settings }, call) => (settings.apertureS = call.number(APERTURE)),
        ({ settings }) => text(settings.apertureS),
      ),
      setting(
        `${sense}:NPLCycles`,
        ({ settings }, call) => (settings.apertureS = call.number(CYCLES) * MAINS_PERIOD_S),
        ({ settings }) => text(settings.apertureS / MAINS_PERIOD_S),
      ),
    ]
  }

  const functions = (header: string, change: (measured: Set<string>, name: string) => void): ScpiRow =>
    setting(
      header,
      ({ settings }, call) => {
        do change(settings.measured, functionOf(call.string()))
        while (call.left > 0)
      },
      ({ settings }) => [...settings.measured].map((name) => `"${name}"`).join(),
      { takes: 3 },
    )

  return [
    flag(`:OUTPut${c}[:STATe]`, 'output'),
    flag(`:OUTPut${c}:ON:AUTO`, 'autoOn'),
    choice(`:OUTPut${c}:OFF:MODE`, 'offMode', 'ZERO', 'HIZ', 'NORMal'),
    flag(`:OUTPut${c}:PROTection[:STATe]`, 'protection'),
    flag(`:OUTPut${c}:HCAPacitance[:STATe]`, 'highCapacitance'),
    choice(`:OUTPut${c}:LOW`, 'low', 'FLOat', 'GROund'),
    choice(`[:SOURce${c}]:FUNCtion:MODE`, 'force', 'VOLTage', 'CURRent'),
    {
      header: `[:SOURce${c}]:FUNCtion[:SHAPe]`,
      set: (call) => void call.word('DC'),
      query: () => 'DC',
    },
    choice(`[:SOURce${c}]:SWEep:SPACing`, 'spacing', 'LINear', 'LOGarithmic'),
    choice(`[:SOURce${c}]:SWEep:STAir`, 'stair', 'SINGle', 'DOUBle'),
    setting(
      `[:SOURce${c}]:SWEep:POINts`,
      (channel, call) => (channel.source.points = call.integer(1, MOST_LEVELS)),
      (channel) => `+${channel.source.points}`,
    ),
    ...ofQuantity('VOLT'),
    ...ofQuantity('CURR'),
    functions(`:SENSe${c}:FUNCtion[:ON]`, (measured, name) => measured.add(name)),
    functions(`:SENSe${c}:FUNCtion:OFF`, (measured, name) => measured.delete(name)),
    flag(`:SENSe${c}:REMote`, 'remoteSense'),
  ]
}

type KeysOf<T, Value> = { [Key in keyof T]: T[Key] extends Value ? Key : never }[keyof T]

function functionOf(name: string): string {
  const match = /^(VOLT|CURR|RES)(?:AGE|ENT|ISTANCE)?(?::DC)?$/i.exec(name)
  if (match === null) throw new ScpiFault(-224)
  return match[1]!.toUpperCase()
}
