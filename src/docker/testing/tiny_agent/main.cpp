// The process in the containers of this module's tests. Linked statically, it is the whole image.
//
//   tiny run               waits for SIGTERM and exits 143, or for SIGUSR1 and exits 3
//   tiny stubborn          as `run`, but SIGTERM does nothing
//   tiny exit CODE         exits
//   tiny say OUT ERR       writes one line to each stream, then as `run`
//   tiny flood COUNT       writes COUNT numbered lines, then exits 0
//   tiny fall              makes the waiting `tiny run` of its container exit 3
//   tiny id                prints uid, gid, and whether / can be written
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace {

extern "C" void on_terminate(int) { _exit(143); }
extern "C" void on_fall(int) { _exit(3); }

[[noreturn]] void wait_for_signals() {
  for (;;) pause();
}

// Process 1 is the engine's init; its child is the agent. Others are the engine's exec.
int make_the_agent_fall() {
  DIR* directory = opendir("/proc");
  if (directory == nullptr) return 1;
  int first = 0;
  while (const dirent* entry = readdir(directory)) {
    const int pid = atoi(entry->d_name);
    if (pid > 1 && pid != getpid() && (first == 0 || pid < first)) first = pid;
  }
  closedir(directory);
  return first != 0 && kill(first, SIGUSR1) == 0 ? 0 : 1;
}

int tell_who_i_am() {
  const int fd = open("/written", O_WRONLY | O_CREAT, 0600);
  printf("uid %d gid %d root %s\n", static_cast<int>(getuid()), static_cast<int>(getgid()),
         fd >= 0 ? "writable" : "read-only");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const char* verb = argv[1];
  signal(SIGUSR1, on_fall);
  signal(SIGTERM, strcmp(verb, "stubborn") == 0 ? SIG_IGN : on_terminate);
  if (strcmp(verb, "exit") == 0 && argc == 3) return atoi(argv[2]);
  if (strcmp(verb, "fall") == 0) return make_the_agent_fall();
  if (strcmp(verb, "id") == 0) return tell_who_i_am();
  if (strcmp(verb, "say") == 0 && argc == 4) {
    dprintf(STDOUT_FILENO, "%s\n", argv[2]);
    dprintf(STDERR_FILENO, "%s\n", argv[3]);
    wait_for_signals();
  }
  if (strcmp(verb, "flood") == 0 && argc == 3) {
    for (int i = 0; i < atoi(argv[2]); ++i) dprintf(STDOUT_FILENO, "line %d\n", i);
    return 0;
  }
  if (strcmp(verb, "run") == 0 || strcmp(verb, "stubborn") == 0) wait_for_signals();
  return 2;
}
