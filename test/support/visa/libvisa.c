/* A VISA library for tests. Each session is a socket to the test, which decides what the instrument does: a call sends
 * what it was given and blocks until the test answers. PORT_FILE names the file that holds the test's port. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef uint32_t ViObject, ViUInt32;
typedef int32_t ViStatus;
typedef uint64_t ViAttrState;

#define SYSTEM_ERROR ((ViStatus)0xBFFF0000)
#define CONN_LOST ((ViStatus)0xBFFF00A6)
/* No socket has such a number. */
#define MANAGER 0x7000
#define EVENT_CONTEXT 0x7001

enum call { OPEN, CLOSE, FIND, FIND_NEXT, READ, WRITE, CLEAR, TRIGGER, READ_STB, ENABLE, DISABLE, DISCARD, WAIT, LOCK, UNLOCK, GET, SET };

struct request {
  uint32_t call, number;
  uint64_t state;
  uint32_t length;
} __attribute__((packed));

struct reply {
  ViStatus status;
  uint32_t number, length;
};

static int take(int socket, void *into, uint32_t length) {
  return length == 0 || recv(socket, into, length, MSG_WAITALL) == (ssize_t)length;
}

static ViStatus ask(ViObject vi, enum call call, uint32_t number, uint64_t state, const void *bytes, uint32_t length,
                    uint32_t *answer, void *into) {
  struct request request = {call, number, state, length};
  struct reply reply;
  if (send(vi, &request, sizeof request, MSG_NOSIGNAL) != sizeof request) return CONN_LOST;
  if (length > 0 && send(vi, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) return CONN_LOST;
  if (!take(vi, &reply, sizeof reply) || !take(vi, into, reply.length)) return CONN_LOST;
  if (answer != NULL) *answer = reply.number;
  return reply.status;
}

static int dial(void) {
  unsigned port = 0;
  FILE *file = fopen(PORT_FILE, "r");
  if (file == NULL) return -1;
  int read = fscanf(file, "%u", &port);
  fclose(file);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int line = read == 1 ? socket(AF_INET, SOCK_STREAM, 0) : -1;
  int at_once = 1;
  if (line >= 0) setsockopt(line, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  if (line >= 0 && connect(line, (struct sockaddr *)&address, sizeof address) == 0) return line;
  if (line >= 0) close(line);
  return -1;
}

ViStatus viOpenDefaultRM(ViObject *manager) {
  *manager = MANAGER;
  return 0;
}

ViStatus viOpen(ViObject manager, const char *name, ViUInt32 mode, ViUInt32 timeout, ViObject *vi) {
  int line = manager == MANAGER ? dial() : -1;
  if (line < 0) return SYSTEM_ERROR;
  ViStatus status = ask(line, OPEN, mode, timeout, name, strlen(name), NULL, NULL);
  if (status < 0) close(line);
  else *vi = line;
  return status;
}

ViStatus viFindRsrc(ViObject manager, const char *expression, ViObject *list, ViUInt32 *count, char *name) {
  int line = manager == MANAGER ? dial() : -1;
  if (line < 0) return SYSTEM_ERROR;
  memset(name, 0, 256);
  ViStatus status = ask(line, FIND, 0, 0, expression, strlen(expression), count, name);
  if (status < 0) close(line);
  else *list = line;
  return status;
}

ViStatus viFindNext(ViObject list, char *name) {
  memset(name, 0, 256);
  return ask(list, FIND_NEXT, 0, 0, NULL, 0, NULL, name);
}

ViStatus viClose(ViObject object) {
  if (object == MANAGER || object == EVENT_CONTEXT) return 0;
  ViStatus status = ask(object, CLOSE, 0, 0, NULL, 0, NULL, NULL);
  close(object);
  return status;
}

ViStatus viRead(ViObject vi, uint8_t *bytes, ViUInt32 room, ViUInt32 *count) {
  return ask(vi, READ, room, 0, NULL, 0, count, bytes);
}

ViStatus viWrite(ViObject vi, const uint8_t *bytes, ViUInt32 length, ViUInt32 *count) {
  return ask(vi, WRITE, 0, 0, bytes, length, count, NULL);
}

ViStatus viClear(ViObject vi) { return ask(vi, CLEAR, 0, 0, NULL, 0, NULL, NULL); }

ViStatus viAssertTrigger(ViObject vi, uint16_t protocol) { return ask(vi, TRIGGER, protocol, 0, NULL, 0, NULL, NULL); }

ViStatus viReadSTB(ViObject vi, uint16_t *status) {
  ViUInt32 byte = 0;
  ViStatus result = ask(vi, READ_STB, 0, 0, NULL, 0, &byte, NULL);
  *status = byte;
  return result;
}

ViStatus viEnableEvent(ViObject vi, ViUInt32 event, uint16_t mechanism, ViUInt32 context) {
  (void)context;
  return ask(vi, ENABLE, event, mechanism, NULL, 0, NULL, NULL);
}

ViStatus viDisableEvent(ViObject vi, ViUInt32 event, uint16_t mechanism) {
  return ask(vi, DISABLE, event, mechanism, NULL, 0, NULL, NULL);
}

ViStatus viDiscardEvents(ViObject vi, ViUInt32 event, uint16_t mechanism) {
  return ask(vi, DISCARD, event, mechanism, NULL, 0, NULL, NULL);
}

ViStatus viWaitOnEvent(ViObject vi, ViUInt32 event, ViUInt32 timeout, ViUInt32 *type, ViObject *context) {
  *type = event;
  *context = EVENT_CONTEXT;
  return ask(vi, WAIT, event, timeout, NULL, 0, NULL, NULL);
}

ViStatus viLock(ViObject vi, ViUInt32 type, ViUInt32 timeout, const char *requested, char *access) {
  (void)requested, (void)access;
  return ask(vi, LOCK, type, timeout, NULL, 0, NULL, NULL);
}

#ifndef WITHOUT_UNLOCK
ViStatus viUnlock(ViObject vi) { return ask(vi, UNLOCK, 0, 0, NULL, 0, NULL, NULL); }
#endif

ViStatus viGetAttribute(ViObject vi, ViUInt32 attribute, void *state) {
  return ask(vi, GET, attribute, 0, NULL, 0, NULL, state);
}

ViStatus viSetAttribute(ViObject vi, ViUInt32 attribute, ViAttrState state) {
  return ask(vi, SET, attribute, state, NULL, 0, NULL, NULL);
}

ViStatus viStatusDesc(ViObject object, ViStatus status, char *text) {
  snprintf(text, 256, "object %s, in the words of the library, status %d", object == 0 ? "none" : "known", status);
  return 0;
}
