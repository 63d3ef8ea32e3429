import type { ScpiRow } from './scpi-commands.ts'
import type { ScpiRegister } from './scpi-register.ts'
import type { ScpiStatus } from './scpi-status.ts'

const MOST = 0xffff

/**
 * The `:STATus` subsystem, for the command table of an instrument that has these groups. `refresh` runs before a
 * condition or event is read, where the instrument works it out only when it is looked at.
 *
 * Source: Keysight "B2900 SCPI Command Reference" ch. 4, STATus.
 */
export function statusRows(
  status: ScpiStatus,
  groups: readonly ('MEASurement' | 'OPERation' | 'QUEStionable')[],
  refresh: () => void = () => undefined,
): readonly ScpiRow[] {
  const registers = {
    MEASurement: status.measurement,
    OPERation: status.operation,
    QUEStionable: status.questionable,
  }
  return [
    ...groups.flatMap((group) => groupRows(`:STATus:${group}`, registers[group], refresh)),
    {
      header: ':STATus:PRESet',
      takes: 0,
      set: () => {
        for (const group of groups) registers[group].preset()
      },
    },
  ]
}

function groupRows(header: string, register: ScpiRegister, refresh: () => void): readonly ScpiRow[] {
  const mask = (node: string, key: 'enable' | 'positive' | 'negative'): ScpiRow => ({
    header: `${header}:${node}`,
    set: (call) => void (register[key] = call.integer(0, MOST)),
    query: () => String(register[key]),
  })
  return [
    {
      header: `${header}[:EVENt]`,
      query: () => {
        refresh()
        return String(register.takeEvents())
      },
    },
    {
      header: `${header}:CONDition`,
      query: () => {
        refresh()
        return String(register.condition)
      },
    },
    mask('ENABle', 'enable'),
    mask('PTRansition', 'positive'),
    mask('NTRansition', 'negative'),
  ]
}
