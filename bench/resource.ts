import { BenchError } from '../core/errors.ts'
import type { SerialLine } from '../drivers/driver-entry.ts'

/** Where an instrument is plugged in. `text` is the name as it was written. */
export type Resource =
  | { readonly wire: 'socket'; readonly text: string; readonly host: string; readonly port: number }
  | {
      readonly wire: 'vxi11'
      readonly text: string
      readonly host: string
      /** Of the core channel; undefined where the portmapper knows it. */
      readonly port?: number
      readonly device: string
    }
  | {
      readonly wire: 'hislip'
      readonly text: string
      readonly host: string
      readonly port: number
      readonly device: string
    }
  | {
      readonly wire: 'usbtmc'
      readonly text: string
      /** Device file, where it is named; else the instrument is found by what it says of itself. */
      readonly path?: string
      readonly usb?: { readonly vendor: number; readonly product: number; readonly serial: string }
    }
  | {
      readonly wire: 'visa'
      readonly text: string
      /** The name that the VISA library is given. */
      readonly name: string
    }
  | { readonly wire: 'http'; readonly text: string; readonly host: string; readonly port: number }
  | {
      readonly wire: 'serial'
      readonly text: string
      readonly path: string
      /** Where the name sets the line; else the driver does. */
      readonly line?: SerialLine
    }
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

/** How each kind of resource is written. */
export const RESOURCE_EXAMPLES: Readonly<Record<Resource['wire'], string>> = {
  socket: 'TCPIP::10.0.0.5::5025::SOCKET',
  vxi11: 'TCPIP::10.0.0.5::inst0::INSTR',
  hislip: 'TCPIP::10.0.0.5::hislip0::INSTR',
  usbtmc: 'USB0::0x1313::0x8078::P0001::INSTR',
  visa: 'GPIB0::12::INSTR',
  serial: 'ASRL/dev/ttyUSB0::INSTR',
  'modbus-serial': 'MODBUS::/dev/ttyUSB1::9600-8E1::1',
  'modbus-tcp': 'MODBUS::10.0.0.7::502::1',
  http: 'HTTP::10.0.0.9',
}
const EXAMPLES = RESOURCE_EXAMPLES

/**
 * Reads a resource name in VISA's grammar, and our own MODBUS, HTTP and VISA forms of it. Keywords in any case.
 *
 * GPIB, PXI and VXI need a VISA library; `VISA::` in front of any VISA name hands it to that library, too.
 * Throws: BENCH_FILE_INVALID saying what would be right.
 */
export function parseResource(text: string): Resource {
  const parts = splitParts(text)
  const head = parts[0] ?? ''
  const serial = /^ASRL(.*)$/i.exec(head)
  const deviceFile = /^USB(\/.+)$/i.exec(head)?.[1]
  if (/^TCPIP\d*$/i.test(head)) return tcpipResource(text, parts)
  if (serial !== null) return serialResource(text, serial[1] ?? '', parts)
  if (deviceFile !== undefined) return { wire: 'usbtmc', text, path: deviceFile }
  if (/^USB\d*$/i.test(head)) return usbResource(text, parts)
  if (/^MODBUS$/i.test(head)) return modbusResource(text, parts)
  if (/^HTTP$/i.test(head)) return httpResource(text, parts)
  if (/^(GPIB|PXI|VXI)\d*$/i.test(head)) return visaResource(text, text.trim())
  if (/^VISA$/i.test(head)) return visaResource(text, parts.slice(1).join('::'))
  throw invalid(text, `is not a resource name; write it like ${Object.values(EXAMPLES).join(' or ')}`)
}

function tcpipResource(text: string, parts: readonly string[]): Resource {
  const last = parts.at(-1) ?? ''
  if (/^INSTR$/i.test(last) && parts.length <= 4) return lanInstrument(text, parts)
  const [, host = '', port = ''] = parts
  const isSocket = parts.length === 4 && /^SOCKET$/i.test(last)
  if (!isSocket) {
    throw invalid(
      text,
      `must end in a port and SOCKET, or in INSTR, like ${EXAMPLES.socket}, ${EXAMPLES.vxi11} or ${EXAMPLES.hislip}`,
    )
  }
  return { wire: 'socket', text, host: hostName(text, host), port: portNumber(text, port) }
}

const HISLIP_PORT = 4880

/** `TCPIP::host[,port]::inst0::INSTR`, `TCPIP::host::hislip0[,port]::INSTR`; without a device it is inst0. */
function lanInstrument(text: string, parts: readonly string[]): Resource {
  const [, place = '', device = 'inst0'] = parts.slice(0, -1)
  const hislip = /^(hislip[^,]*)(?:,(\d+))?$/i.exec(device)
  if (hislip !== null) {
    const [, name = '', port] = hislip
    const number = port === undefined ? HISLIP_PORT : portNumber(text, port)
    return { wire: 'hislip', text, host: hostName(text, place), port: number, device: name }
  }
  const [, host = '', port] = /^(.*?)(?:,(\d+))?$/.exec(place) ?? []
  if (device === '') throw invalid(text, `names no device, as in ${EXAMPLES.vxi11}`)
  return {
    wire: 'vxi11',
    text,
    host: hostName(text, host),
    device,
    ...(port === undefined ? {} : { port: portNumber(text, port) }),
  }
}

function usbResource(text: string, parts: readonly string[]): Resource {
  const [, vendorText = '', productText = '', serial = ''] = parts
  const ends = parts.length >= 5 && parts.length <= 6 && /^INSTR$/i.test(parts.at(-1) ?? '')
  const [vendor, product] = [usbNumber(vendorText), usbNumber(productText)]
  if (!ends || vendor === undefined || product === undefined || serial === '') {
    throw invalid(text, `must name vendor, product and serial number and end in INSTR, like ${EXAMPLES.usbtmc}`)
  }
  return { wire: 'usbtmc', text, usb: { vendor, product, serial } }
}

/** 16 bits, decimal or with 0x. */
function usbNumber(text: string): number | undefined {
  const value = /^(0x[0-9a-f]{1,4}|\d{1,5})$/i.test(text) ? Number(text) : Number.NaN
  return value <= 0xffff ? value : undefined
}

function httpResource(text: string, parts: readonly string[]): Resource {
  const [, host = '', port = '80', ...more] = parts
  if (more.length > 0) throw invalid(text, `must name a host and at most a port, like ${EXAMPLES.http}`)
  return { wire: 'http', text, host: hostName(text, host), port: portNumber(text, port) }
}

function visaResource(text: string, name: string): Resource {
  if (!/^[a-z]+\d*.*::(INSTR|SOCKET|INTFC|RAW)$/i.test(name)) {
    throw invalid(text, `must be a whole VISA name that ends in INSTR, like ${EXAMPLES.visa}`)
  }
  return { wire: 'visa', text, name }
}

function serialResource(text: string, port: string, parts: readonly string[]): Resource {
  const ends = (parts.length === 2 || parts.length === 3) && /^INSTR$/i.test(parts.at(-1) ?? '')
  if (!ends || port === '') throw invalid(text, `must name one port and end in INSTR, like ${EXAMPLES.serial}`)
  // VISA numbers serial ports only where the system does: ASRL3 is COM3.
  const path = /^\d+$/.test(port) ? `COM${port}` : port
  const [, lineText] = parts.slice(0, -1)
  if (lineText === undefined) return { wire: 'serial', text, path }
  const line = serialLine(lineText)
  if (line === undefined)
    throw invalid(text, `"${lineText}" is not a line like 9600-8N1, 19200-7E1 or 115200-8N1-RTSCTS`)
  return { wire: 'serial', text, path, line }
}

function modbusResource(text: string, parts: readonly string[]): Resource {
  const [, place = '', middle = '', unitText = ''] = parts
  const unit = /^\d{1,3}$/.test(unitText) ? Number(unitText) : Number.NaN
  if (parts.length !== 4 || place === '')
    throw invalid(text, `must read like ${EXAMPLES['modbus-serial']} or ${EXAMPLES['modbus-tcp']}`)
  if (/^\d+$/.test(middle)) {
    if (!(unit >= 0 && unit <= 255))
      throw invalid(text, `has no unit 0 to 255 at its end, as in ${EXAMPLES['modbus-tcp']}`)
    return { wire: 'modbus-tcp', text, host: hostName(text, place), port: portNumber(text, middle), unit }
  }
  const line = serialLine(middle)
  // Modbus RTU has eight data bits, always, and nobody who holds up another.
  if (line === undefined || line.dataBits !== 8 || line.flow !== undefined) {
    throw invalid(text, `"${middle}" is neither a port like 502 nor a line like 9600-8E1 or 9600-8N1`)
  }
  if (!(unit >= 1 && unit <= 247))
    throw invalid(text, `has no unit 1 to 247 at its end, as in ${EXAMPLES['modbus-serial']}`)
  return { wire: 'modbus-serial', text, path: place, line, unit }
}

const PARITIES = { N: 'none', E: 'even', O: 'odd' } as const

const FLOWS = { RTSCTS: 'rts-cts', XONXOFF: 'xon-xoff' } as const

/** `9600-8E1`, `115200-8N1-RTSCTS`. */
function serialLine(text: string): SerialLine | undefined {
  const [, baud, bits, parity, stop, flow] = /^(\d{2,7})-([78])([NEO])([12])(?:-(RTSCTS|XONXOFF))?$/i.exec(text) ?? []
  if (baud === undefined || parity === undefined || Number(baud) === 0) return undefined
  return {
    baudRate: Number(baud),
    dataBits: bits === '7' ? 7 : 8,
    parity: PARITIES[parity.toUpperCase() as keyof typeof PARITIES],
    stopBits: stop === '2' ? 2 : 1,
    ...(flow === undefined ? {} : { flow: FLOWS[flow.toUpperCase() as keyof typeof FLOWS] }),
  }
}

/** How a serial line is written inside a resource name. */
export function serialLineText(line: SerialLine): string {
  const flow = line.flow === undefined ? '' : `-${line.flow.replace('-', '').toUpperCase()}`
  return `${line.baudRate}-${line.dataBits}${line.parity.charAt(0).toUpperCase()}${line.stopBits}${flow}`
}

/** Cut at `::`, except inside the brackets of an IPv6 address. */
function splitParts(text: string): readonly string[] {
  return text.trim().split(/::(?![^[]*\])/)
}

function hostName(text: string, host: string): string {
  const ipv6 = /^\[([0-9a-f:.%]+)\]$/i.exec(host)?.[1]
  if (ipv6 !== undefined) return ipv6
  if (/^[a-z0-9_.-]+$/i.test(host)) return host
  throw invalid(
    text,
    host === '' ? `names no host, as in ${EXAMPLES.socket}` : `"${host}" is not a host name or address`,
  )
}

function portNumber(text: string, port: string): number {
  const value = /^\d{1,5}$/.test(port) ? Number(port) : 0
  if (value < 1 || value > 65535) throw invalid(text, `"${port}" is not a port from 1 to 65535`)
  return value
}

function invalid(text: string, why: string): BenchError {
  return new BenchError('BENCH_FILE_INVALID', `${JSON.stringify(text)} ${why}`, { context: { resource: text } })
}
