/** What a client sends down the bulk-OUT pipe, one transfer at a time. */
export type BulkOut =
  | { readonly what: 'message'; readonly tag: number; readonly payload: Uint8Array; readonly end: boolean }
  | { readonly what: 'request'; readonly tag: number; readonly maxBytes: number; readonly termChar?: number }
  | { readonly what: 'trigger'; readonly tag: number }

const HEADER = 12

/**
 * Reads one bulk-OUT transfer as a device does; undefined for one that a device answers by halting its pipe: a wrong
 * complement of the tag, tag 0, an unknown message, a size that is not the transfer's own.
 *
 * Source: USB-IF USBTMC 1.0 ch. 3.2 and USB488 1.0 ch. 3.2, as read by python-usbtmc and Linux uapi tmc.h.
 */
export function readBulkOut(transfer: Uint8Array): BulkOut | undefined {
  if (transfer.length < HEADER || transfer.length % 4 !== 0) return undefined
  const [message, tag = 0, complement = 0] = transfer
  if (tag === 0 || (tag ^ complement) !== 0xff) return undefined
  const header = Buffer.from(transfer.buffer, transfer.byteOffset, HEADER)
  const size = header.readUInt32LE(4)
  const attributes = header.readUInt8(8)
  switch (message) {
    case 1:
      if (transfer.length !== HEADER + size + ((4 - (size % 4)) % 4)) return undefined
      return { what: 'message', tag, payload: transfer.subarray(HEADER, HEADER + size), end: (attributes & 1) === 1 }
    case 2: {
      if (transfer.length !== HEADER || size === 0) return undefined
      const request = { what: 'request', tag, maxBytes: size } as const
      return (attributes & 2) === 0 ? request : { ...request, termChar: header.readUInt8(9) }
    }
    case 128:
      return transfer.length === HEADER ? { what: 'trigger', tag } : undefined
    default:
      return undefined
  }
}

/** How an answer goes up the bulk-IN pipe. `end`: with this the message is whole; `atTermChar`: it stops at one. */
export function writeBulkIn(
  tag: number,
  payload: Uint8Array,
  { end, atTermChar = false }: { readonly end: boolean; readonly atTermChar?: boolean },
): Uint8Array {
  const transfer = Buffer.alloc(HEADER + payload.length + ((4 - (payload.length % 4)) % 4))
  transfer.set([2, tag, tag ^ 0xff, 0])
  transfer.writeUInt32LE(payload.length, 4)
  transfer.writeUInt8((end ? 1 : 0) | (atTermChar ? 2 : 0), 8)
  transfer.set(payload, HEADER)
  return transfer
}
