export interface Job {
  id: string;
  priority: number;
  run(): Promise<void>;
}

export class JobQueue {
  private jobs: Job[] = [];
  private running = 0;

  constructor(private readonly limit: number) {}

  add(job: Job): void {
    this.jobs.push(⟦job⟧);
    this.jobs.sort((a, b) => ⟦b.priority - a.priority⟧);
    void this.next();
  }

  get size(): number {
    return ⟦this.jobs.length⟧;
  }

  private async next(): Promise<void> {
    if (this.running >= this.limit) {
      return;
    }
    const job = this.jobs.shift();
    if (job === undefined) {
      ⟦return;⟧
    }
    this.running += 1;
    try {
      await job.run();
    } finally {
      this.running -= 1;
      void this.next();
    }
  }
}
