/* A library that a plugin is linked with, and whose constructor turns denormals off: what
 * -ffast-math did to everybody who only linked with it. */
__attribute__((constructor)) static void fast(void) {
#ifdef __SSE__
  __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#else
  unsigned long mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  __asm__ volatile("msr fpcr, %0" : : "r"(mode | 1ul << 24));
#endif
}
int jackpot_linked(void);
int jackpot_linked(void) { return 1; }
