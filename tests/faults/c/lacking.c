/* lacking.c - preloaded before libc: a file system that does not implement, or fails at, what
   JACKPOT_TEST_LACKS names (`folders`: fsync of a folder; `files`: of a file; `locks`; `links`),
   with the error number JACKPOT_TEST_ERRNO. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int lacks(const char *name) {
  const char *all = getenv("JACKPOT_TEST_LACKS");
  const char *number = getenv("JACKPOT_TEST_ERRNO");
  if (!all || !number || !strstr(all, name)) return 0;
  errno = atoi(number);
  return 1;
}

static int is_folder(int file) {
  struct stat facts;
  return !fstat(file, &facts) && S_ISDIR(facts.st_mode);
}

int fsync(int file) {
  int (*next)(int);
  *(void **)&next = dlsym(RTLD_NEXT, "fsync");
  return lacks(is_folder(file) ? "folders" : "files") ? -1 : next(file);
}

int flock(int file, int operation) {
  int (*next)(int, int);
  *(void **)&next = dlsym(RTLD_NEXT, "flock");
  return lacks("locks") ? -1 : next(file, operation);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  int (*next)(int, const char *, int, const char *, int);
  *(void **)&next = dlsym(RTLD_NEXT, "linkat");
  return lacks("links") ? -1 : next(from_folder, from, to_folder, to, flags);
}

int link(const char *from, const char *to) {
  int (*next)(const char *, const char *);
  *(void **)&next = dlsym(RTLD_NEXT, "link");
  return lacks("links") ? -1 : next(from, to);
}
