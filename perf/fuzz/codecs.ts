import { VirtualClock } from '../../core/clock.ts'
import type { Framer } from '../../drivers/protocols/framer.ts'
import { itlaReply } from '../../drivers/protocols/itla.ts'
import { readMbapFrame, rtuReplyLength } from '../../drivers/protocols/modbus.ts'
import { linesReply, parseVolts, unexpected } from '../../drivers/protocols/qontrol-lines.ts'
import {
  parseScpiBoolean,
  parseScpiError,
  parseScpiIdentity,
  parseScpiInteger,
  parseScpiNumber,
  parseScpiString,
  scpiBlockReply,
  scpiLineReply,
} from '../../drivers/protocols/scpi.ts'
import { ModbusClient } from '../../drivers/transports/modbus-client.ts'
import { ScpiParser } from '../../sim/protocols/scpi-parser.ts'
import { SUBJECTS } from '../faults/subjects.ts'
import { RandomStream } from '../../core/random.ts'

/** One side of one protocol. */
export interface FuzzedCodec {
  readonly name: string
  /** Files of test/vectors that hold valid bytes for it. */
  readonly vectors: readonly string[]
  readonly direction: 'sent' | 'reply'
  /** A fresh decoder; it may throw BenchErrors, and nothing else. Returns how many bytes it holds back. */
  begin(): (piece: Uint8Array) => number
}

const VECTORS: Readonly<Record<string, string>> = {
  'oif-itla': 'itla',
  'thorlabs-mbx': 'mbx',
  'keysight-m8195a': 'm8195a',
  'keysight-n7745': 'n7745',
  'qontrol-q8': 'qontrol',
  'omron-e5cc': 'e5cc',
  'eastron-sdm120': 'sdm120',
  'labjack-t7': 't7',
}

/** A whole simulated instrument: its codec, and what it makes of nonsense that parses. */
function instrument(driver: string, subject: (typeof SUBJECTS)[string]): FuzzedCodec {
  return {
    name: `${driver}, instrument`,
    vectors: [VECTORS[driver] ?? 'scpi'],
    direction: 'sent',
    begin: () => {
      const connection = subject
        .begin(new VirtualClock(), new RandomStream(1, 'fuzz'))
        .create()
        .attach(() => undefined)
      return (piece) => {
        connection.receive(piece)
        return 0
      }
    },
  }
}

/** As a session does it: what is left over waits for the next piece, and an error throws it all away. */
function framed(name: string, vectors: readonly string[], framer: () => Framer<unknown>): FuzzedCodec {
  return {
    name,
    vectors,
    direction: 'reply',
    begin: () => {
      let waiting = Buffer.alloc(0)
      const frame = framer()
      return (piece) => {
        waiting = Buffer.concat([waiting, piece])
        try {
          for (let cut = frame(waiting); cut !== undefined && cut.used > 0; cut = frame(waiting)) {
            waiting = waiting.subarray(cut.used)
          }
        } catch (error) {
          waiting = Buffer.alloc(0)
          throw error
        }
        return waiting.length
      }
    },
  }
}

const PARSERS = [
  parseScpiNumber,
  parseScpiInteger,
  parseScpiBoolean,
  parseScpiString,
  parseScpiIdentity,
  parseScpiError,
] as const

let nextParser = 0
const scpiValues: Framer<unknown> = (bytes, ended) => {
  const line = scpiLineReply(bytes, ended)
  const parse = PARSERS[nextParser++ % PARSERS.length]!
  return line && { message: parse(line.message), used: line.used }
}

function rtuReply(): Framer<unknown> {
  const client = new ModbusClient(1)
  return (bytes) => {
    const used = rtuReplyLength(bytes)
    if (used === undefined || bytes.length < used) return undefined
    return { message: client.readHolding(0x2000, 2).accept(bytes.subarray(0, used)), used }
  }
}

/** A new protocol is one line here for each side. */
export const CODECS: readonly FuzzedCodec[] = [
  framed('SCPI line, driver', ['scpi', 'n7745', 'm8195a'], () => scpiLineReply),
  framed('SCPI block, driver', ['scpi', 'n7745'], () => scpiBlockReply((payload) => payload.length)),
  framed('SCPI values, driver', ['scpi', 'n7745', 'm8195a'], () => scpiValues),
  framed('ITLA, driver', ['itla'], () => itlaReply(0x30)),
  framed('Qontrol, driver', ['qontrol'], () => {
    return linesReply({ count: 8, parse: parseVolts, refusal: ({ meaning }) => unexpected(meaning, 'volts') }).framer
  }),
  framed('Modbus RTU, driver', ['modbus', 'e5cc', 'sdm120'], rtuReply),
  framed('Modbus TCP, driver', ['t7'], () => (bytes) => {
    const frame = readMbapFrame(bytes, 1)
    return frame && { message: frame, used: frame.length + 6 }
  }),
  {
    name: 'SCPI, instrument',
    vectors: ['scpi', 'n7745', 'm8195a'],
    direction: 'sent',
    begin: () => {
      const parser = new ScpiParser({ maxBlockBytes: 65_536, maxTextBytes: 65_536 })
      return (piece) => {
        parser.push(piece)
        while (parser.next() !== undefined);
        return 0
      }
    },
  },
  ...Object.entries(SUBJECTS).map(([driver, subject]) => instrument(driver, subject)),
]
