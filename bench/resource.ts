import { BenchError } from '../core/errors.ts'
import type { SerialLine } from '../drivers/driver-entry.ts'

/** Where an instrument is plugged in. `text` is the name as it was written. */
export type Resource =
  | { readonly wire: 'socket'; readonly text: string; readonly host: string; readonly port: number }
  | { readonly wire: 'serial'; readonly text: string; readonly path: string }
  | {
      readonly wire: 'modbus-serial'
      readonly text: string
      readonly path: string
      readonly line: SerialLine
      readonly unit: number
    }
  | {
      readonly wire: 'modbus-tcp'
      readonly text: string
      readonly host: string
      readonly port: number
      readonly unit: number
    }

const FORMS = [
  'TCPIP::10.0.0.5::5025::SOCKET',
  'ASRL/dev/ttyUSB0::INSTR',
  'MODBUS::/dev/ttyUSB1::9600-8E1::1',
  'MODBUS::10.0.0.7::502::1',
] as const

/**
 * Reads a resource name in VISA's grammar, and our own MODBUS form of it. Keywords in any case.
 *
 * Throws: BENCH_FILE_INVALID saying what would be right.
 */
export function parseResource(text: string): Resource {
  const parts = splitParts(text)
  const head = parts[0] ?? ''
  const socket = /^TCPIP\d*$/i.test(head)
  const serial = /^ASRL(.*)$/i.exec(head)
  if (socket) return tcpipResource(text, parts)
  if (serial !== null) return serialResource(text, serial[1] ?? '', parts)
  if (/^MODBUS$/i.test(head)) return modbusResource(text, parts)
  const later = /^(USB|GPIB|PXI|VXI|HTTP)\d*$/i.exec(head)?.[1]
  if (later !== undefined) {
    throw invalid(text, `${later.toUpperCase()} resources are not supported by this version; use ${FORMS.join(' or ')}`)
  }
  throw invalid(text, `is not a resource name; write it like ${FORMS.join(' or ')}`)
}

function tcpipResource(text: string, parts: readonly string[]): Resource {
  const [, host = '', port = '', last = ''] = parts
  const isSocket = parts.length === 4 && /^SOCKET$/i.test(last)
  if (!isSocket && /^INSTR$/i.test(parts.at(-1) ?? '')) {
    const protocol = /^hislip/i.test(parts[2] ?? '') ? 'HiSLIP' : 'VXI-11'
    const example = `TCPIP::${host === '' ? '10.0.0.5' : host}::5025::SOCKET`
    throw invalid(text, `is a ${protocol} resource, not supported by this version; use its raw socket: ${example}`)
  }
  if (!isSocket) throw invalid(text, `must end in a port and SOCKET, like ${FORMS[0]}`)
  return { wire: 'socket', text, host: hostName(text, host), port: portNumber(text, port) }
}

function serialResource(text: string, port: string, parts: readonly string[]): Resource {
  const ends = parts.length === 2 && /^INSTR$/i.test(parts[1] ?? '')
  if (!ends || port === '') throw invalid(text, `must name one port and end in INSTR, like ${FORMS[1]}`)
  // VISA numbers serial ports only where the system does: ASRL3 is COM3.
  return { wire: 'serial', text, path: /^\d+$/.test(port) ? `COM${port}` : port }
}

function modbusResource(text: string, parts: readonly string[]): Resource {
  const [, place = '', middle = '', unitText = ''] = parts
  const unit = /^\d{1,3}$/.test(unitText) ? Number(unitText) : Number.NaN
  if (parts.length !== 4 || place === '') throw invalid(text, `must read like ${FORMS[2]} or ${FORMS[3]}`)
  if (/^\d+$/.test(middle)) {
    if (!(unit >= 0 && unit <= 255)) throw invalid(text, `has no unit 0 to 255 at its end, as in ${FORMS[3]}`)
    return { wire: 'modbus-tcp', text, host: hostName(text, place), port: portNumber(text, middle), unit }
  }
  const line = serialLine(middle)
  if (line === undefined) {
    throw invalid(text, `"${middle}" is neither a port like 502 nor a line like 9600-8E1 or 9600-8N1`)
  }
  if (!(unit >= 1 && unit <= 247)) throw invalid(text, `has no unit 1 to 247 at its end, as in ${FORMS[2]}`)
  return { wire: 'modbus-serial', text, path: place, line, unit }
}

const PARITIES = { N: 'none', E: 'even', O: 'odd' } as const

/** `9600-8E1`. Modbus RTU has eight data bits, always. */
function serialLine(text: string): SerialLine | undefined {
  const [, baud, parity, stop] = /^(\d{3,7})-8([NEO])([12])$/i.exec(text) ?? []
  if (baud === undefined || parity === undefined) return undefined
  return {
    baudRate: Number(baud),
    dataBits: 8,
    parity: PARITIES[parity.toUpperCase() as keyof typeof PARITIES],
    stopBits: stop === '2' ? 2 : 1,
  }
}

/** How a serial line is written inside a resource name. */
export function serialLineText(line: SerialLine): string {
  return `${line.baudRate}-${line.dataBits}${line.parity.charAt(0).toUpperCase()}${line.stopBits}`
}

/** Cut at `::`, except inside the brackets of an IPv6 address. */
function splitParts(text: string): readonly string[] {
  return text.trim().split(/::(?![^[]*\])/)
}

function hostName(text: string, host: string): string {
  const ipv6 = /^\[([0-9a-f:.%]+)\]$/i.exec(host)?.[1]
  if (ipv6 !== undefined) return ipv6
  if (/^[a-z0-9_.-]+$/i.test(host)) return host
  throw invalid(text, host === '' ? `names no host, as in ${FORMS[0]}` : `"${host}" is not a host name or address`)
}

function portNumber(text: string, port: string): number {
  const value = /^\d{1,5}$/.test(port) ? Number(port) : 0
  if (value < 1 || value > 65535) throw invalid(text, `"${port}" is not a port from 1 to 65535`)
  return value
}

function invalid(text: string, why: string): BenchError {
  return new BenchError('BENCH_FILE_INVALID', `${JSON.stringify(text)} ${why}`, { context: { resource: text } })
}
