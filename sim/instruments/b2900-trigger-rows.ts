import type { ScpiCall } from '../protocols/scpi-call.ts'
import type { ScpiRow } from '../protocols/scpi-commands.ts'
import { scpiUnits } from '../protocols/scpi-units.ts'
import { text } from './b2900-data.ts'
import type { Action, TriggerLayer } from './b2900-trigger.ts'

const COUNT = { min: 1, max: 100_000, default: 1 }
const DELAY = { min: 0, max: 100_000, default: 0, units: scpiUnits('S') }
const PERIOD = { min: 10e-6, max: 100_000, default: 10e-6, units: scpiUnits('S') }

const GROUPS: readonly (readonly [node: string, actions: readonly Action[]])[] = [
  ['[:ALL]', ['ACQ', 'TRAN']],
  [':ACQuire', ['ACQ']],
  [':TRANsient', ['TRAN']],
]

/**
 * `:TRIGger` and `:ARM`: each of the acquire and the transient layer by itself, or both at once. Of the arm layer this
 * twin knows the count.
 */
export function triggerRows(
  channels: number,
  layersOf: (call: ScpiCall) => Readonly<Record<Action, TriggerLayer>>,
): readonly ScpiRow[] {
  return GROUPS.flatMap(([node, actions]) => {
    const setting = (
      header: string,
      write: (call: ScpiCall) => Partial<TriggerLayer>,
      read: (layer: TriggerLayer) => string,
    ): ScpiRow => ({
      header,
      set: (call) => {
        const changes = write(call)
        for (const action of actions) Object.assign(layersOf(call)[action], changes)
      },
      query: (call) => read(layersOf(call)[actions[0]!]),
    })
    const trigger = `:TRIGger{${channels}}${node}`
    return [
      setting(
        `${trigger}:COUNt`,
        (call) => ({ count: Math.round(call.number(COUNT)) }),
        ({ count }) => `+${count}`,
      ),
      setting(
        `${trigger}:DELay`,
        (call) => ({ delayS: call.number(DELAY) }),
        ({ delayS }) => text(delayS),
      ),
      setting(
        `${trigger}:TIMer`,
        (call) => ({ periodS: call.number(PERIOD) }),
        ({ periodS }) => text(periodS),
      ),
      setting(
        `${trigger}:SOURce`,
        (call) => ({ source: call.word('AINT', 'BUS', 'TIMer', 'INT1', 'INT2', 'LAN', 'EXT1', 'EXT2') }),
        ({ source }) => source,
      ),
      setting(
        `:ARM{${channels}}${node}:COUNt`,
        (call) => ({ arms: Math.round(call.number(COUNT)) }),
        ({ arms }) => `+${arms}`,
      ),
    ]
  })
}
