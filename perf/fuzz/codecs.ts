import { VirtualClock } from '../../core/clock.ts'
import { decodeB2900 } from '../../drivers/power/b2900-data.ts'
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
  scpiBlocksReply,
  scpiLineReply,
} from '../../drivers/protocols/scpi.ts'
import { ModbusClient } from '../../drivers/transports/modbus-client.ts'
import { ScpiParser } from '../../sim/protocols/scpi-parser.ts'
import { SUBJECTS } from '../faults/subjects.ts'
import { RandomStream } from '../../core/random.ts'
import { framed } from './codec.ts'
import type { FuzzedCodec } from './codec.ts'
import { NETWORK_CODECS } from './network-codecs.ts'

/** Valid bytes for each driver of the registry. */
const VECTORS: Readonly<Record<string, string>> = {
  'oif-itla': 'itla',
  'thorlabs-mbx': 'mbx',
  'keysight-m8195a': 'm8195a',
  'keysight-n7745': 'n7745',
  'qontrol-q8': 'qontrol',
  'omron-e5cc': 'e5cc',
  'eastron-sdm120': 'sdm120',
  'labjack-t7': 't7',
  'keysight-b2900': 'b2900',
  waveshaper: 'waveshaper',
}

/** A whole simulated instrument: its codec, and what it makes of nonsense that parses. Throws without vectors. */
function instrument(driver: string, subject: (typeof SUBJECTS)[string]): FuzzedCodec {
  const vectors = VECTORS[driver]
  if (vectors === undefined) throw new Error(`no vectors are named for ${driver}: there is nothing to damage`)
  return {
    name: `${driver}, instrument`,
    vectors: [vectors],
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
  framed('SCPI blocks of several questions, driver', ['scpi', 'n7745'], () =>
    scpiBlocksReply(2, (payload) => payload.length),
  ),
  framed('SCPI values, driver', ['scpi', 'n7745', 'm8195a'], () => scpiValues),
  framed('B2900 data, driver', ['b2900'], () =>
    scpiBlockReply((payload) => decodeB2900(payload, 1, { instrument: 'source', channel: 0 })),
  ),
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
  ...NETWORK_CODECS,
  ...Object.entries(SUBJECTS).map(([driver, subject]) => instrument(driver, subject)),
]
