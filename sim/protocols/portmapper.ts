import type { RpcProgram } from './onc-rpc.ts'

export const PORTMAPPER_PORT = 111
export const TCP = 6
export const UDP = 17

/** One program that can be reached. */
export interface PortMapping {
  readonly program: number
  readonly version: number
  readonly protocol: typeof TCP | typeof UDP
  readonly port: number
}

const PORTMAPPER = { program: 100_000, version: 2 }

/**
 * The portmapper: says on which port a program listens. Nobody can change what it says.
 *
 * Source: RFC 1833 §3.
 */
export function portmapperProgram(mappings: readonly PortMapping[], ownPort: number): RpcProgram {
  const all = [
    { ...PORTMAPPER, protocol: TCP, port: ownPort },
    { ...PORTMAPPER, protocol: UDP, port: ownPort },
    ...mappings,
  ]
  return {
    ...PORTMAPPER,
    procedures: {
      // SET and UNSET
      1: (_, results) => void results.unsigned(0),
      2: (_, results) => void results.unsigned(0),
      // GETPORT
      3: (call, results) => {
        const [program, version, protocol] = [call.unsigned(), call.unsigned(), call.unsigned()]
        call.unsigned()
        const found = all.find(
          (mapping) => mapping.program === program && mapping.version === version && mapping.protocol === protocol,
        )
        results.unsigned(found?.port ?? 0)
      },
      // DUMP: a list, each entry behind a word that says that it follows.
      4: (_, results) => {
        for (const { program, version, protocol, port } of all) {
          results.unsigned(1).unsigned(program).unsigned(version).unsigned(protocol).unsigned(port)
        }
        results.unsigned(0)
      },
    },
  }
}
