// SPDX-License-Identifier: Apache-2.0
// All that C may do here: globals, constants, strings, tables of functions, recursion, static
// functions, imports, and what the compiler turns into memcpy.
#include <stdint.h>

uint64_t sum(const void* at, uint64_t bytes);

static int add(int a, int b) { return a + b; }
static int subtract(int a, int b) { return a - b; }
static int multiply(int a, int b) { return a * b; }
static int (*const kOperations[])(int, int) = {add, subtract, multiply};

uint64_t (*how_to_sum)(const void*, uint64_t) = sum;
static uint32_t counter = 40;
static uint64_t big[300];
static const char kText[] = "safe code";
static const char* const kTexts[] = {kText, "native speed", &kText[5]};

struct pair {
  uint64_t a, b, c, d, e, f, g, h;
};
static struct pair original = {1, 2, 3, 4, 5, 6, 7, 8};

static __attribute__((noinline)) uint64_t factorial(uint64_t n) { return n < 2 ? 1 : n * factorial(n - 1); }

uint64_t operate(uint64_t which, int64_t a, int64_t b) { return (uint64_t)(int64_t)kOperations[which](a, b); }
uint64_t count(void) { return ++counter; }
uint64_t recurse(uint64_t n) { return factorial(n); }
uint64_t letters(uint64_t which) {
  uint64_t n = 0;
  for (const char* c = kTexts[which]; *c != 0; ++c) n += (uint64_t)(unsigned char)*c;
  return n;
}
uint64_t fill(uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) big[i] = i;
  return big[n - 1] + big[n];
}
uint64_t import(const uint8_t* at, uint64_t n) { return sum(at, n) + how_to_sum(at, n); }
uint64_t copies(uint64_t i) {
  struct pair copy = original;
  uint64_t* words = &copy.a;
  words[i & 7] += 100;
  original = copy;
  return words[i & 7];
}
