/*
 * A batch of complex vectors through the columns of an imperfect rectangular mesh in plain C, float32.
 *
 * Fields lie [mode][sample], real and imaginary parts apart; 64 samples pass the whole mesh before the next ones, so
 * that they stay in the cache. `general` makes the 2x2 matrices from phases and splitter errors in each round, by the
 * formula of docs/physics.md, and applies them with 28 real operations. `rotations` applies the 18 operations that are
 * left when output phases wait at the end of the mesh; its matrices are made once.
 *
 * usage: columns MODES BATCH, then one of these names a line; each is answered with its milliseconds.
 */
#define _POSIX_C_SOURCE 199309L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AT_ONCE = 64 };

static int modes, batch, count;
static int *tops;
static double *theta, *phi, *alpha, *beta;
static float *re, *im, *startRe, *startIm, (*matrices)[8];

static void make_matrices(void) {
  for (int k = 0; k < count; k++) {
    const double a = 0.78539816339744831 + alpha[k], b = 0.78539816339744831 + beta[k];
    const double ca = cos(a), sa = sin(a), cb = cos(b), sb = sin(b);
    const double ct = cos(theta[k]), st = sin(theta[k]), cp = cos(phi[k]), sp = sin(phi[k]);
    const double re11 = ct * cb * ca - sb * sa, im11 = st * cb * ca;
    const double re21 = -st * sb * ca, im21 = ct * sb * ca + cb * sa;
    float *m = matrices[k];
    m[0] = (float)(re11 * cp - im11 * sp);
    m[1] = (float)(re11 * sp + im11 * cp);
    m[2] = (float)(-st * cb * sa);
    m[3] = (float)(ct * cb * sa + sb * ca);
    m[4] = (float)(re21 * cp - im21 * sp);
    m[5] = (float)(re21 * sp + im21 * cp);
    m[6] = (float)(cb * ca - ct * sb * sa);
    m[7] = (float)(-st * sb * sa);
  }
}

static void apply_general(const float *m, float *restrict ur, float *restrict ui, float *restrict lr, float *restrict li,
                          int samples) {
  const float a = m[0], b = m[1], c = m[2], d = m[3], e = m[4], f = m[5], g = m[6], h = m[7];
  for (int s = 0; s < samples; s++) {
    const float r = ur[s], i = ui[s], p = lr[s], q = li[s];
    ur[s] = a * r - b * i + (c * p - d * q);
    ui[s] = a * i + b * r + (c * q + d * p);
    lr[s] = e * r - f * i + (g * p - h * q);
    li[s] = e * i + f * r + (g * q + h * p);
  }
}

static void apply_rotation(const float *m, float *restrict ur, float *restrict ui, float *restrict lr,
                           float *restrict li, int samples) {
  const float pr = m[0], pi = m[1], c = m[2], n = m[3];
  for (int s = 0; s < samples; s++) {
    const float tr = pr * ur[s] - pi * ui[s], ti = pr * ui[s] + pi * ur[s], p = lr[s], q = li[s];
    ur[s] = c * tr - n * p;
    ui[s] = c * ti - n * q;
    lr[s] = n * tr + c * p;
    li[s] = n * ti + c * q;
  }
}

static void propagate(void (*apply)(const float *, float *restrict, float *restrict, float *restrict, float *restrict, int)) {
  for (int first = 0; first < batch; first += AT_ONCE) {
    const int samples = batch - first < AT_ONCE ? batch - first : AT_ONCE;
    for (int k = 0; k < count; k++) {
      const size_t upper = (size_t)tops[k] * batch + first, lower = upper + batch;
      apply(matrices[k], re + upper, im + upper, re + lower, im + lower, samples);
    }
  }
}

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * t.tv_sec + 1e-6 * t.tv_nsec;
}

static double spread(double width) { return width * (2.0 * rand() / RAND_MAX - 1.0); }

static double power(void) {
  double sum = 0;
  for (size_t i = 0; i < (size_t)modes * batch; i++) sum += (double)re[i] * re[i] + (double)im[i] * im[i];
  return sum;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  modes = atoi(argv[1]);
  batch = atoi(argv[2]);
  count = modes * (modes - 1) / 2;
  tops = malloc(count * sizeof *tops);
  theta = malloc(count * sizeof *theta);
  phi = malloc(count * sizeof *phi);
  alpha = malloc(count * sizeof *alpha);
  beta = malloc(count * sizeof *beta);
  matrices = malloc(count * sizeof *matrices);
  const size_t floats = (size_t)modes * batch, bytes = floats * sizeof(float);
  re = aligned_alloc(64, bytes);
  im = aligned_alloc(64, bytes);
  startRe = malloc(bytes);
  startIm = malloc(bytes);
  for (int column = 0, k = 0; column < modes; column++) {
    for (int top = column % 2; top + 1 < modes; top += 2, k++) {
      tops[k] = top;
      theta[k] = spread(3);
      phi[k] = spread(3);
      alpha[k] = spread(0.03);
      beta[k] = spread(0.03);
    }
  }
  for (size_t i = 0; i < floats; i++) {
    startRe[i] = re[i] = (float)spread(1);
    startIm[i] = im[i] = (float)spread(1);
  }
  const double before = power();
  make_matrices();
  propagate(apply_general);
  if (fabs(power() / before - 1) > 1e-4) return 1;

  char line[32];
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    const int general = strncmp(line, "general", 7) == 0;
    memcpy(re, startRe, bytes);
    memcpy(im, startIm, bytes);
    if (!general) {
      for (int k = 0; k < count; k++) {
        const float m[4] = {(float)cos(phi[k]), (float)sin(phi[k]), (float)cos(theta[k]), (float)sin(theta[k])};
        memcpy(matrices[k], m, sizeof m);
      }
    }
    const double start = now_ms();
    if (general) make_matrices();
    propagate(general ? apply_general : apply_rotation);
    printf("%.6f\n", now_ms() - start);
    fflush(stdout);
  }
  return 0;
}
