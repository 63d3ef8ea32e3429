const scratch = new DataView(new ArrayBuffer(4))

/** Writes a float32 into two registers, high word first. */
export function putFloat32(words: Uint16Array, at: number, value: number): void {
  scratch.setFloat32(0, value)
  words[at] = scratch.getUint16(0)
  words[at + 1] = scratch.getUint16(2)
}

/** Writes an integer of 32 bits, signed or not, into two registers, high word first. */
export function putInt32(words: Uint16Array, at: number, value: number): void {
  words[at] = (value >>> 16) & 0xffff
  words[at + 1] = value & 0xffff
}

export function float32Of(words: Uint16Array, at: number): number {
  scratch.setUint16(0, words[at]!)
  scratch.setUint16(2, words[at + 1]!)
  return scratch.getFloat32(0)
}

export function uint32Of(words: Uint16Array, at: number): number {
  return words[at]! * 0x1_0000 + words[at + 1]!
}
