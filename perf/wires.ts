import { spawnSync } from 'node:child_process'
import { SystemClock } from '../core/clock.ts'
import type { ByteTransport } from '../core/transport.ts'
import { HislipTransport } from '../drivers/transports/hislip.ts'
import { ModbusLink } from '../drivers/transports/modbus.ts'
import { ScpiSession } from '../drivers/transports/scpi-session.ts'
import { SerialTransport } from '../drivers/transports/serial.ts'
import { TcpTransport } from '../drivers/transports/tcp.ts'
import { Vxi11Transport } from '../drivers/transports/vxi11.ts'
import type { Wire } from '../drivers/transports/wire.ts'
import type { Places } from './serve-instruments.ts'

type Tapped = (transport: ByteTransport) => Wire

/** Asks one and the same question, as often as it is told to. */
interface Asker extends AsyncDisposable {
  ask(signal: AbortSignal): Promise<unknown>
}

/** A wire, how we ask over it, and how the Python library that people know asks over it. */
export interface MeasuredWire {
  readonly name: string
  readonly peer: string
  readonly goal: number
  /** Why the peer cannot be measured on this machine. */
  readonly missing?: (places: Places) => string | undefined
  open(places: Places, tapped: Tapped, signal: AbortSignal): Promise<Asker>
  /** Defines `ask()`. */
  peerScript(places: Places): string
  /** Defines `ask()` as a bare blocking socket that sends the same bytes and looks at no answer: what nobody can beat by much. */
  limitScript?(places: Places): string
}

const pythonHas = (module: string): boolean => spawnSync('/usr/bin/python3', ['-c', `import ${module}`]).status === 0

const HOST = '127.0.0.1'
const QUESTION = 'SENS1:POW:ATIM?'
const TIMEOUT_MS = 1000
const LINE = { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 } as const

const scpi = (wire: Wire): Asker => {
  const session = new ScpiSession(wire, TIMEOUT_MS)
  return {
    ask: (signal) => session.ask(QUESTION, signal),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

const pyvisa = (resource: string): string => `
import pyvisa
instrument = pyvisa.ResourceManager('@py').open_resource('${resource}', read_termination='\\n', write_termination='\\n')
def ask(): return instrument.query('${QUESTION}')`

const bareSocket = (port: number, question: string): string => `
import socket
bare = socket.create_connection(('${HOST}', ${port}))
bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def ask():
    bare.sendall(${question})
    return bare.recv(4096)`

const socketName = ({ socket }: Places): string => `TCPIP::${HOST}::${socket}::SOCKET`

export const WIRES: readonly MeasuredWire[] = [
  {
    name: 'raw socket',
    peer: 'pyvisa-py',
    goal: 1.2,
    open: async (places, tapped, signal) =>
      scpi(tapped(await TcpTransport.open(socketName(places), HOST, places.socket, signal))),
    peerScript: (places) => pyvisa(socketName(places)),
    limitScript: ({ socket }) => bareSocket(socket, `b'${QUESTION}\\n'`),
  },
  {
    name: 'VXI-11',
    peer: 'pyvisa-py',
    goal: 2,
    missing: ({ hasPortmapper }) => (hasPortmapper ? undefined : 'port 111 cannot be had, and pyvisa-py asks there'),
    open: async ({ vxi11 }, tapped, signal) => {
      const address = { host: HOST, port: vxi11, device: 'inst0' }
      return scpi(tapped(await Vxi11Transport.open(`TCPIP::${HOST},${vxi11}::inst0::INSTR`, address, signal)))
    },
    peerScript: () => pyvisa(`TCPIP::${HOST}::inst0::INSTR`),
  },
  {
    name: 'HiSLIP',
    peer: 'pyvisa-py',
    goal: 1,
    missing: () => (pythonHas('pyvisa_py.protocols.hislip') ? undefined : 'pyvisa-py of this machine has no HiSLIP'),
    open: async ({ hislip }, tapped, signal) => {
      const address = { host: HOST, port: hislip, device: 'hislip0' }
      return scpi(tapped(await HislipTransport.open(`TCPIP::${HOST}::hislip0,${hislip}::INSTR`, address, signal)))
    },
    peerScript: ({ hislip }) => pyvisa(`TCPIP::${HOST}::hislip0,${hislip}::INSTR`),
  },
  {
    name: 'Modbus TCP',
    peer: 'pymodbus',
    goal: 2,
    open: async ({ monitor }, tapped, signal) => {
      const transport = await TcpTransport.open(`MODBUS::${HOST}::${monitor}::1`, HOST, monitor, signal)
      const options = { unit: 1, framing: 'tcp', timeoutMs: TIMEOUT_MS, clock: new SystemClock() } as const
      const link = ModbusLink.open(tapped(transport), options)
      return {
        ask: () => link.readHolding(0, 2, signal),
        [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
      }
    },
    peerScript: ({ monitor }) => `
from pymodbus.client import ModbusTcpClient
client = ModbusTcpClient('${HOST}', port=${monitor})
client.connect()
def ask(): return client.read_holding_registers(0, 2, slave=1).registers[1]`,
    limitScript: ({ monitor }) => bareSocket(monitor, `bytes.fromhex('000100000006010300000002')`),
  },
  {
    name: 'serial port',
    peer: 'pyserial',
    goal: 1,
    open: async ({ terminal }, tapped, signal) =>
      scpi(tapped(await SerialTransport.open(`ASRL${terminal}::INSTR`, terminal, LINE, signal))),
    peerScript: ({ terminal }) => `
import serial
port = serial.Serial('${terminal}', ${LINE.baudRate}, timeout=1)
def ask():
    port.write(b'${QUESTION}\\n')
    return port.readline()`,
  },
]
