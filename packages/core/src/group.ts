// Subscribers that are served together. A pass walks from the end to the start, so that leaving in the middle of one is safe: whoever
// moves into a free place was served already, or will be met again.

interface Member {
  /** Place in its group; -1: in none. */
  groupIndex: number;
}

export class Group<M extends Member> {
  readonly members: M[] = [];
  /** Who is next in the running pass; -1 between passes. */
  next = -1;

  add(member: M): void {
    member.groupIndex = this.members.length;
    this.members.push(member);
  }

  remove(member: M): void {
    const index = member.groupIndex;
    if (index === -1) return;
    member.groupIndex = -1;
    const last = this.members.pop();
    if (last === undefined || last === member) return;
    this.members[index] = last;
    last.groupIndex = index;
  }

  /** Begins a pass, unless one runs. */
  begin(): void {
    if (this.next < 0) this.next = this.members.length - 1;
  }

  /** Serves the next of the running pass. Nobody may be there: leaving can shorten the group below the place where the pass stood. */
  step(serve: (member: M) => void): void {
    const member = this.members[this.next];
    this.next -= 1;
    if (member !== undefined) serve(member);
  }
}
