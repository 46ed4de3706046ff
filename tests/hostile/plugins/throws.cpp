// Misbehaving C++: what its runtime adds to C's ways to fail, and a good twin that catches.
#include <locale>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>
#include <unistd.h>
#define JKP_ABI_MINOR 0u
#include "jackpot.h"

namespace {
volatile std::size_t beyond = 7;

jkp_status good(const jkp_run *run, jkp_error *) {
  for (uint64_t i = 0; i < run->n; i++)
    for (uint64_t j = 0; j < run->out[i]->n_elem; j++)
      static_cast<double *>(run->out[i]->dl.data)[j] = static_cast<double>(j);
  return JKP_OK;
}
jkp_status throws(const jkp_run *, jkp_error *) { throw std::runtime_error("no inverse"); }
jkp_status throws_number(const jkp_run *, jkp_error *) { throw 7; }
jkp_status reads_beyond(const jkp_run *run, jkp_error *err) {
  std::vector<double> none;
  none.at(beyond) = 1;
  return good(run, err);
}
jkp_status catches(const jkp_run *run, jkp_error *err) {
  try {
    return throws(run, err);
  } catch (const std::exception &e) {
    return jkp_fail(err, JKP_E_PANIC, e.what());
  }
}
jkp_status runs_out(const jkp_run *run, jkp_error *err) {
  std::vector<char> all(std::size_t{64} << 30);
  return all[beyond] ? JKP_E_INTERNAL : good(run, err);
}
jkp_status forgets_thread(const jkp_run *run, jkp_error *err) {
  std::thread thread([] { sleep(600); });
  return good(run, err); // the destructor of a thread that was not joined ends the process
}
jkp_status throws_in_thread(const jkp_run *run, jkp_error *err) {
  std::thread([] { throw std::logic_error("elsewhere"); }).join();
  return good(run, err);
}
jkp_status global_locale(const jkp_run *run, jkp_error *err) {
  std::locale::global(std::locale("C.UTF-8"));
  return good(run, err);
}
struct Abstract {
  Abstract() { call(); }
  virtual ~Abstract() {}
  void call() { use(); }
  virtual void use() = 0;
};
struct Concrete : Abstract {
  void use() override {}
};
jkp_status pure_virtual(const jkp_run *run, jkp_error *err) {
  Concrete object;
  return good(run, err);
}

using Function = jkp_status (*)(const jkp_run *, jkp_error *);
constexpr jkp_item item(const char *id, Function run) {
  return jkp_item{sizeof(jkp_item), JKP_METHOD, JKP_SCORES, 0, 0, id, "1", "a test", nullptr, 0, run, 0, 0};
}
const jkp_item all[] = {
    item("org.test.cpp.good", good),
    item("org.test.cpp.throws", throws),
    item("org.test.cpp.throws_number", throws_number),
    item("org.test.cpp.reads_beyond", reads_beyond),
    item("org.test.cpp.catches", catches),
    item("org.test.cpp.runs_out", runs_out),
    item("org.test.cpp.forgets_thread", forgets_thread),
    item("org.test.cpp.throws_in_thread", throws_in_thread),
    item("org.test.cpp.global_locale", global_locale),
    item("org.test.cpp.pure_virtual", pure_virtual),
};
const jkp_item *const items[] = {&all[0], &all[1], &all[2], &all[3], &all[4],
                                 &all[5], &all[6], &all[7], &all[8], &all[9]};
const jkp_plugin plugin = {sizeof plugin, JKP_ABI_MAJOR, JKP_ABI_MINOR, "throws", "1", "MIT",
                           items, sizeof items / sizeof *items};

#ifdef THROW_AT_LOAD
struct Early {
  Early() { throw std::runtime_error("too early"); }
} early;
#endif
} // namespace

extern "C" JKP_EXPORT const jkp_plugin *jackpot_entry_v1(void) { return &plugin; }
