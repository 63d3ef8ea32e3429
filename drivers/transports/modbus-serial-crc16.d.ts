/** The package ships no types for its own check sum. */
declare module 'modbus-serial/utils/crc16.js' {
  /** CRC-16/MODBUS: start 0xFFFF, reflected polynomial 0xA001. */
  export default function crc16(bytes: Uint8Array): number
}
