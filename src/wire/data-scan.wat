;; Scans message data for the decoder in data.ts, 16 bytes at a time, and removes stuffed dots in place.
;; It knows bytes of one piece only: what came before and comes after the piece is the decoder's business.
;; After a change run `node tools/build-wasm.ts`, which writes the compiled bytes into data-scan.ts.
;;
;; Memory, in pages of 64 KiB:  0 the server's read buffer   1 copies of foreign pieces   2 results, see below
;; Loads may reach 15 bytes past a piece, hence the results come last. Stores are exact: pipelined commands may follow.

(module
  ;; Never grows, so that the buffers over it stay attached.
  (memory (export "memory") 3 3)

  ;; Scans bytes $start to $end; the byte before $start counts as neither CR, LF nor the start of a line.
  ;; Returns the end of the decoded bytes, which begin at $start. Stores two more results:
  ;; at 0x20000 where it stopped: $end, or a dot at a line start whose CRLF follows or is cut off by $end;
  ;; at 0x20004 whether a bare CR or LF came before that. A CR as the last byte of the piece is not yet bare.
  (func (export "scan") (param $start i32) (param $end i32) (result i32)
    (local $at i32)      ;; next byte to look at
    (local $run i32)     ;; first byte not yet moved
    (local $out i32)     ;; where it goes
    (local $bare i32)    ;; a bare CR or LF was seen
    (local $left i32)
    (local $hits i32)    ;; a bit per byte that needs a look
    (local $next i32)
    (local $bytes v128)
    (local $last v128)   ;; the 16 bytes before $bytes; only the last one counts, 0 for "neither CR nor LF"
    (local $before v128) ;; for each byte of $bytes the one before it
    (local $strays v128) ;; bytes that show a bare newline: a LF after no CR, anything else after a CR
    (local $watch v128)  ;; all ones until the first of $strays
    (local $cr v128) (local $lf v128) (local $dot v128)

    (local.set $cr (i8x16.splat (i32.const 0x0d)))
    (local.set $lf (i8x16.splat (i32.const 0x0a)))
    (local.set $dot (i8x16.splat (i32.const 0x2e)))
    (local.set $watch (i8x16.splat (i32.const -1)))
    (local.set $at (local.get $start))
    (local.set $run (local.get $start))
    (local.set $out (local.get $start))

    (block $stop
      (loop $scan
        (br_if $stop (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $bytes (v128.load (local.get $at)))
        (local.set $before
          (i8x16.shuffle 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 (local.get $last) (local.get $bytes)))
        (local.set $strays
          (v128.and
            (local.get $watch)
            (v128.xor
              (i8x16.eq (local.get $before) (local.get $cr))
              (i8x16.eq (local.get $bytes) (local.get $lf)))))
        (local.set $hits
          (i8x16.bitmask
            (v128.or
              (local.get $strays)
              (v128.and
                (i8x16.eq (local.get $before) (local.get $lf))
                (i8x16.eq (local.get $bytes) (local.get $dot))))))

        (if (i32.eqz (local.get $hits))
          (then
            (local.set $last (local.get $bytes))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br $scan)))

        ;; Forget what lies past the end.
        (local.set $left (i32.sub (local.get $end) (local.get $at)))
        (if (i32.lt_u (local.get $left) (i32.const 16))
          (then
            (local.set $hits
              (i32.and
                (local.get $hits)
                (i32.sub (i32.shl (i32.const 1) (local.get $left)) (i32.const 1))))
            (if (i32.eqz (local.get $hits))
              (then
                (local.set $at (local.get $end))
                (br $stop)))))

        ;; One bare newline is as bad as a thousand: note it, then look again for dots only.
        (local.set $next (i32.ctz (local.get $hits)))
        (if (i32.and (i32.shr_u (i8x16.bitmask (local.get $strays)) (local.get $next)) (i32.const 1))
          (then
            (local.set $bare (i32.const 1))
            (local.set $watch (v128.const i64x2 0 0))
            (br $scan)))

        ;; A dot after LF.
        (local.set $at (i32.add (local.get $at) (local.get $next)))
        (local.set $next (i32.add (local.get $at) (i32.const 1)))
        (block $keep
          ;; RFC 5321 §2.3.8: a bare LF starts no line.
          (br_if $keep (i32.lt_u (i32.sub (local.get $at) (local.get $start)) (i32.const 2)))
          (br_if $keep
            (i32.ne (i32.load8_u (i32.sub (local.get $at) (i32.const 2))) (i32.const 0x0d)))
          ;; RFC 5321 §4.1.1.4: only CRLF . CRLF ends the data; the decoder tells the end from a piece cut short.
          (br_if $stop (i32.ge_u (local.get $next) (local.get $end)))
          (if (i32.eq (i32.load8_u (local.get $next)) (i32.const 0x0d))
            (then
              (br_if $stop (i32.ge_u (i32.add (local.get $next) (i32.const 1)) (local.get $end)))
              (br_if $stop (i32.eq (i32.load8_u offset=1 (local.get $next)) (i32.const 0x0a)))))
          ;; RFC 5321 §4.5.2: when more follows on the line, the first dot is removed.
          (local.set $out (call $move (local.get $out) (local.get $run) (local.get $at)))
          (local.set $run (local.get $next)))
        (local.set $at (local.get $next))
        (local.set $last (v128.const i64x2 0 0))
        (br $scan)))

    ;; The last 16 bytes may have reached past the end.
    (local.set $at
      (select (local.get $end) (local.get $at) (i32.gt_u (local.get $at) (local.get $end))))
    (i32.store (i32.const 0x20000) (local.get $at))
    (i32.store (i32.const 0x20004) (local.get $bare))
    (call $move (local.get $out) (local.get $run) (local.get $at)))

  ;; Moves bytes $run to $end down to $out and returns the end of what was moved.
  (func $move (param $out i32) (param $run i32) (param $end i32) (result i32)
    (local $length i32)
    (local.set $length (i32.sub (local.get $end) (local.get $run)))
    (if (i32.ne (local.get $out) (local.get $run))
      (then (memory.copy (local.get $out) (local.get $run) (local.get $length))))
    (i32.add (local.get $out) (local.get $length))))
