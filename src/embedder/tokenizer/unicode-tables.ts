// Written by build/unicode-tables (its header says what is asked). Not to be edited by hand.
// A set of code points is a list of ranges `gap.more` in base 36; see unicode.ts for the reader.

/** `char::is_whitespace` of Rust. */
export const WHITE_SPACE = '9.4,i,2s,q,4bj,1vj.a,t.1,5,1b,334'

/** `char::is_numeric` of Rust: Nd, Nl and No. */
export const NUMERIC =
  '1c.9,3c.1,5,2.2,141.9,3q.9,5i.9,bg.9,3a.9,4.5,30.9,3a.9,3a.9,2.5,32.c,37.9,8.6,2v.9,2w.6,7.i,31.9,2o.9,3a.9,1y.j,7g.9,' +
  '1y.9,jz.j,oh.2,6n.9,6.9,m.9,8c.9,3k.a,4l.9,6.9,52.9,2e.9,3q.9,6.9,t2,3.5,6.9,5i.1e,2.4,k6.1n,26.l,hi.t,12h,ll,p.8,e.2,' +
  '9j.3,3u.9,u.7,1.e,w.9,13.e,msg.9,58.9,8w.5,4a.9,12.9,5i.9,m.9,2e.9,ba.9,geu.9,dp.18,c.1k,h.1,9h.q,10.3,t,8,3q.4,5m.9,' +
  'q6.7,p.6,13.8,23.4,m.5,4g.1,2.f,2.19,1s.8,1g.1,u.2,23.4,2w.7,o.7,15.6,96.5,1c.9,6.9,7q.u,4e.9,16.3,34.6,3q.t,3k.9,1o.9,' +
  '40.9,7.j,6z.9,9i.9,3a.9,ae.9,2u.9,6.j,24.b,bo.i,2l.9,ie.9,2e.s,6b.9,1y.9,1i.9,9y.9,2u.k,tn.32,c01.9,1t2.9,2e.9,3q.9,1.6,' +
  'em.9,7a.m,9p.2,id5.9,152.j,c.j,30.o,ut.1d,1ts.9,bq.9,dy.9,6v.9,jw.8,3k.9,lz.1m,1.2,1.3,24.18,1.e,qq.c,25f.9'

/** Cc, Cf and Co by `unicode_categories`: what BERT calls control characters. */
export const OTHER =
  '0.v,2n.w,d,11u.5,m,5c,1d,3cu,1ks.4,q.4,1d.4,1.9,11u8.4xr,16n,6x.2,3b5,xya.3,43z.7,h406,u.2n,1egw.1ekd,2.1ekd'

/** P by `unicode_categories`, and what ASCII calls punctuation. */
export const PUNCTUATION =
  'x.e,a.6,q.5,q.3,y,5,3,a.1,3,3,ji,8,cy.5,15.1,1f,1,2,2,18.1,k.1,1.1,d,2.1,22.3,2u,17.d,6h.2,1i.e,v,79.1,a,an,lf,2i,a.1,' +
  '4o.e,1,11.3,1z,22.4,4.1,33.5,4r,h0.8,47,h8.1,18.1,26.2,1z.1,4d.2,1.2,11.a,8p.1,60.1,3k.6,1.5,4s.6,4b.3,1n.4,1q.1,1s.7,b,' +
  'n0.n,8.j,1.c,1.b,u.1,e.1,hl.3,t.1,u5.d,27.1,v.9,b7.l,1r.3,w.1,l7.3,1.1,34,3z.1a,1.i,ce.2,4.9,2.b,g,c,2q,2i,mwy.1,7h.2,' +
  '2r,a,37.5,ak.3,2e.1,14.2,1,1d.1,1b,2p.c,g.1,3g.3,3i.1,g.1,6x,g2a.1,5s.9,m.y,1.d,1,4,1.1,45.2,1.5,1.3,a.1,3.1,q.2,1,r,1,' +
  '1.6,be.2,ik,1c,bi,kn,5j,v,7k.8,12,34.6,1u.6,2h.3,x6.6,31.1,1.3,3i.3,1c.1,27.4,3,d,1.2,2g.5,2z,f0,6y.m,2x.2,6w.2,2lt.4,' +
  'dtl.1,3p,1t.4,8,g2i,5wn.4'

/** Mn by `unicode_categories`. */
export const NONSPACING =
  'lc.33,7n.4,7d.18,1,1.1,1.1,1,20.a,1c.k,g,2t.6,2.5,2.1,1.3,z,u.q,2j.a,1m.8,y.3,1.8,1.2,1.4,17.2,3r.v,1j,1,4.7,4,3.6,a.1,' +
  't,1m,4.3,8,k.1,t.1,1l,4.1,4.1,2.2,3,u.1,3,b.1,1l,4.4,1.1,4,k.1,t,1m,2,1.3,8,8,b.1,u,1p,c,1e,1p.2,5.2,1.3,7.1,b.1,t,1m,2,' +
  '6,5.1,k.1,t,1r.3,8,k.1,2u,7.2,1,2i,2.6,c.7,2q,2.5,1.1,b.5,22.1,r,1,1,1j.d,1.4,1.1,5.a,1.z,9,2u.3,1.5,1.1,2.1,p.1,4.2,' +
  'g.3,d,2.1,6,f,jj.2,qa.2,t.2,t.1,u.1,1s.1,1.6,8,2.a,9,19.2,4b,3a.2,4.1,9,6.2,63.1,2,1m,1.6,1,1,2.7,6.9,2,1c.d,1u.3,1c,' +
  '1.4,1,5,14.8,c.1,w.3,2.1,1.2,1k,1.1,3,1.2,1m.7,2.1,48.2,1.c,1.6,4,6,3.1,5i.1h,6.3,k0.c,4,3.b,2da.2,3x,2o.v,fe.3,2z.1,' +
  'n9w,4.9,w.1,28.1,7k,3,4,p.1,4d,r.h,1g.7,p.a,1a.2,1c,2.3,2,14,1v.5,2.1,2.1,c,8,1b,1f,1.2,2.1,5.1,1,16.1,8,6m,2,4,fn4,' +
  'kh.f,g.f,r1,6a,45.4,1ae.2,1.1,5.3,14.2,4,4l.1,10a,1i.e,1k.2,1d.3,2.1,1x.2,10.4,1.7,1q,c.1,1g.8,b.2,2q.2,2,1.1,4n,3.7,' +
  'l.1,1m,3,11.6,3.4,8u.5,1,4.1,1.1,6m.3,6.1,1.1,r.1,2d.7,2,1.1,2y,1,2.5,1,2t.2,2.3,1.4,gjo.4,1n.6,uw.3,f7u.1,43s.2,h.7,' +
  '2.6,u.3,44.2,1iz.1i,4.1d,8,e,m.4,1.e,2sg.6,gzl5.6n'

/** M by `unicode-normalization-alignments`. */
export const COMBINING =
  'lc.33,7n.6,7b.18,1,1.1,1.1,1,20.a,1c.k,g,2t.6,2.5,2.1,1.3,z,u.q,2j.a,1m.8,y.3,1.8,1.2,1.4,17.2,3c.d,1.w,1i.2,1.h,1.6,' +
  'a.1,t.2,1k,1.6,2.1,2.2,9,a.1,t.2,1k,1.4,4.1,2.2,3,u.1,3,b.2,1k,1.7,1.2,1.2,k.1,t.2,1k,1.6,2.1,2.2,8.1,a.1,u,1n.4,3.2,' +
  '1.3,9,14.3,1m.6,1.2,1.3,7.1,b.1,t.2,1k,1.6,1.2,1.3,7.1,b.1,t.2,1m.6,1.2,1.3,9,a.1,u.1,1y,4.5,1,1.7,i.1,1p,2.6,c.7,2q,' +
  '2.5,1.1,b.5,22.1,r,1,1,4.1,1d.j,1.1,5.a,1.z,9,2s.j,n.3,4.2,1.2,2.6,3.3,d.b,1,a.3,jj.2,qa.2,t.2,t.1,u.1,1s.v,9,19.2,3b.1,' +
  'y,3a.b,4.b,63.4,1l.9,1.s,2,1c.e,1t.4,1b.g,12.8,c.2,u.c,1k.d,1c.j,48.2,1.k,4,4.2,3.1,5i.1h,5.4,k0.w,2da.2,3x,2o.v,fe.5,' +
  '2x.1,n9w.3,1.9,w.1,28.1,7k,3,4,n.4,2g.1,1e.h,q.h,1g.7,p.c,18.3,1b.d,10,1v.d,c,8.1,19.2,1e,1.2,2.1,5.1,1,15.4,5.1,6k.7,' +
  '1.1,fn4,kh.f,g.f,r1,6a,45.4,1ae.2,1.1,5.3,14.2,4,4l.1,109.2,1h.e,1k.3,19.a,1x.2,10.d,1q,c.2,1c.d,9.2,2n.b,6,4g.b,l.3,1k,' +
  '1.6,2.1,2.2,9,a.1,2.6,3.4,5c.h,2x.j,6j.6,2.8,r.1,2a.g,2y.c,2t.e,zn.7,1.7,2a.l,1.d,fg9.4,1n.6,t6.19,g.3,f7u.1,43q.4,3.5,' +
  '8.7,2.6,u.3,44.2,1iz.1i,4.1d,8,e,m.4,1.e,11s.6,1.g,2.6,1.1,1.4,1ph.6,31.6,gzhx.6n'

/** `\\w` of the crate `regex`. */
export const WORD =
  '1c.9,7.p,4,1.p,1b,a,4,5.m,1.u,1.cp,4.b,e.4,7,1,h.38,1.1,2.3,1,6,1.2,1,1.j,1.2a,1.3u,1.4s,1.11,2,6.14,8.18,1,1.1,1.1,1,' +
  '8.q,4.3,t.a,5.21,4.2t,1.7,2.9,1.i,2,g.1m,2.2s,e.1h,4,2,2.19,i.r,4.a,5.n,1.5,8.22,1.3k,2.9,1.i,1.7,2.1,2.l,1.6,1,3.3,2.8,' +
  '2.1,2.3,8,4.1,1.4,2.b,a,1,2.2,1.5,4.1,2.l,1.6,1.1,1.1,1.1,2,1.4,4.1,2.2,3,7.3,1,7.f,b.2,1.8,1.2,1.l,1.6,1.1,1.4,2.9,1.2,' +
  '1.2,2,f.3,2.9,9.6,1.2,1.7,2.1,2.l,1.6,1.1,1.4,2.8,2.1,2.2,7.2,4.1,1.4,2.9,1,g.1,1.5,3.2,1.3,3.1,1,1.1,3.1,3.2,3.b,4.4,' +
  '3.2,1.3,2,6,e.9,g.c,1.2,1.m,1.f,2.8,1.2,1.3,7.1,1.2,2,2.3,2.9,g.3,1.7,1.2,1.m,1.9,1.4,2.8,1.2,1.3,7.1,6.1,1.3,2.9,1.2,' +
  'c.c,1.2,1.1e,1.2,1.4,5.3,7.4,2.9,a.5,1.2,1.h,3.n,1.8,1,2.6,3,4.5,1,1.7,6.9,2.1,d.1l,5.e,1.9,13.1,1,1.4,1.n,1,1.m,2.4,1,' +
  '1.6,1.9,2.3,w,n.1,6.9,b,1,1,4.9,1.z,4.j,1.h,1.z,9,1l.21,6.25,2.11,1,5,2.16,1.98,1.3,2.6,1,1.3,2.14,1.3,2.w,1.3,2.6,1,' +
  '1.3,2.e,1.1k,1.3,2.1u,2.2,w.f,g.2d,2.5,3.h7,2.g,1.p,5.22,3.a,7.l,9.l,b.j,c.c,1.2,1.1,c.2b,3,4.1,2.9,x.2,1.a,6.2g,7.16,' +
  '5.1x,a.u,1.b,4.b,a.13,2.4,b.17,4.p,6.9,12.r,4.1q,1.s,2.a,6.9,d,8.u,1d.24,3.9,h.8,c.37,c.1j,8.9,3.1c,2.a,5.16,2.2,g.2,' +
  '1.12,5.et,2.5,2.11,2.5,2.7,1,1,1,1.u,2.1g,1.6,1,3.2,1.6,3.3,2.5,4.c,5.2,1.6,f.1,1d.1,j,s,d,g.c,1f.w,h,4,2.9,1,3.4,6,1,1,' +
  '1.3,1.a,2.3,5.4,4,h.14,ml.1f,1ee.6c,6.8,c.11,1,5,2.1j,7,f.n,9.6,1.6,1.6,1.6,1.6,1.6,1.6,1.6,1.v,1b,d1.2,p.e,1.4,2.4,' +
  '4.2d,2.1,2.2,1.2h,1.3,5.16,1.2l,h.v,1c.f,e8.533,1s.h3g,1v.19,2.7g,3.r,k.1e,1.9,1.36,11.8,2.2u,2.1u,2.1,1,1.7,l.1h,4,' +
  'j.1f,c.1x,a.9,6.n,3,1.1c,2.z,c.s,3.1s,e.a,6.u,1.1i,9.d,2.9,6.m,3.20,o.2,2.f,2.4,a.5,2.5,2.5,9.6,1.6,1.16,1.d,6.3e,1.1,' +
  '2.9,6.8mb,c.m,4.1c,6is.a5,2.2x,12.6,c.4,5.b,1.c,1.4,1,1.1,1.1,1.2z,x.a2,i.1r,2.1h,14.b,4.f,g.f,3.1,o.2,w.4,1.3q,j.9,7.p,' +
  '4,1.p,b.2g,3.5,2.5,2.5,2.2,z.b,1.p,1.i,1.1,1.e,2.d,y.3e,1x.1g,3s,3m.s,3.1c,f,v.v,d.t,5.16,5.t,2.z,4.7,1.4,16.4d,2.9,6.z,' +
  '4.z,4.13,8.1f,c.a,1.e,1.6,1.1,1.a,1.e,1.6,1.1,3.1f,c.8m,9.l,a.7,o.5,1.15,1.8,1x.5,2,1.17,1.1,3,2.m,a.m,9.u,1t.i,1.1,a.l,' +
  'a.p,1y.1j,6.1,1s.3,1.1,5.7,1.2,1.s,2.2,4,w.s,3.s,z.7,1.t,p.1h,a.l,a.i,d.h,32.20,1j.1e,d.1e,d.13,8.9,6.11,3.4,1.m,6y.15,' +
  '1.1,3.1,g.2,1j.w,a,8.w,v.l,16.k,r.m,9.1y,v.f,9.1n,7,d.o,7.9,6.1g,1.9,4.3,8.z,2,9.1w,4.3,1.c,1,z.h,1.10,6.3,1q.6,1,1.3,' +
  '1.e,1.9,7.1m,5.9,6.3,1.7,2.1,2.l,1.6,1.1,1.4,1.9,2.1,2.2,2,6,5.6,2.6,3.4,b.9,1,2,1.11,1.9,1,2,1.3,1.7,d.1,t.22,5.9,4.3,' +
  'u.1x,1,8.9,4m.1h,2.8,n.5,y.1s,3,b.9,12.1k,7.9,6.j,s.q,2.e,4.9,6.6,55.1m,2t.21,l.7,2,2.7,1.1,1.t,1.1,2.8,c.9,1y.7,2.19,' +
  '2.7,1.1,r.1q,8,8.21,3,i.20,5j.w,f.9,6.8,1.18,1.8,f.9,o.t,2.l,1.d,21.6,1.1,1.17,3,1.1,1.8,8.9,6.5,1.1,1.10,1.1,1.5,7.9,' +
  '8m.m,9.g,1.14,3.4,d.a,2d,27.pl,2u.32,h.5f,218.2o,f.tr,g.l,a.32y,5.g6,5a1.1l,1c6.fs,7.u,1.9,6.26,1.9,6.t,2.4,b.1i,9.3,' +
  'c.9,9.k,5.i,c0.18,3.9,5i.1r,3k.22,4.1k,7.g,1s.1,1.1,b.1,e.4qf,8.yd,15.9,6w7.3,1.6,1.1,1.82,f,t.2,2,e.3,8.az,1s4.2y,5.c,' +
  '3.8,7.9,3.1,381.9,ee.19,2.m,f2.4,3.5,8.7,2.6,u.3,44.2,cb.2c,1.1y,1.1,2,2.1,2.3,1.b,1,1.6,1.1s,1.3,2.7,1.6,1.r,1.3,1.4,1,' +
  '3.6,1.9f,2.o,1.o,1.u,1.o,1.u,1.o,1.u,1.o,1.u,1.o,1.7,2.1d,e8.1i,4.1d,8,e,m.4,1.e,uo.u,6.5,5x.6,1.g,2.6,1.1,1.4,5.1p,x,' +
  '34.18,3.d,2.9,4,8x.u,h.1l,d2.15,5y.16,dh.6,1.3,1.1,1.e,1.5g,b.6,15.23,4.9,x2.3,1.q,1.1,1,2,1.9,1.3,1,1,6,4,1,1,1.2,1.1,' +
  '1,2,1,1,1,1,1.1,1,2.3,1.6,1.3,1.3,1,1.9,1.g,5.2,1.4,1.g,hg.p,6.p,6.p,21y.9,sm.wyn,w.37d,6.65,2.4g1,e.5rk,f.h9,1wi.f1,' +
  '15u.3t6,5.38f,f9e8.6n'

/** Not yet assigned in Unicode 9, the version by which `unicode-normalization-alignments` normalises. */
export const AFTER_UNICODE_9 =
  'oo.1,6.3,7,1,k,b1,12.1,7,13,2.1,3,1j.7,r.4,5.a,t,6o,1o.1,2t.d,1n.4,1a.1,f,s.1,1.1s,l,8.l,4w,8.1,2.1,m,7,1.2,4.1,9.1,2.1,' +
  '4.7,1.3,2,5.1,m.4,3,6.3,2.1,m,7,2,2,2.1,1,5.3,2.1,3.2,1.6,4,1.6,g.a,3,9,3,m,7,2,5.1,a,3,3.1,1.e,4.1,c.6,1.6,3,8.1,2.1,m,' +
  '7,2,5.1,9.1,2.1,3.7,2.3,2,5.1,i.9,2,6.2,3,4.2,2,1,2.2,2.2,3.2,c.3,5.2,3,4.1,1.5,1.d,l.4,4,8,3,n,g.2,8,3,4.6,2,3.4,4.1,' +
  'a.7,c,8,3,n,a,5.1,9,3,4.6,2.6,1,4.1,a,2.d,3,8,3,15.1,8,3,6.3,g.1,q.1,2,i.2,o,9,1.1,7.2,1.3,6,1,8.5,a.1,3.b,1m.3,t.10,2,' +
  '1.1,2,1.1,1.5,4,7,3,1,1.1,2,d,3.1,5,1,6.1,a.1,4.v,20,10.3,13,10,f,d.10,5i,1.4,1.1,ah,4.1,7,1,4.1,15,4.1,x,4.1,7,1,4.1,f,' +
  '1l,4.1,1v.1,w.2,q.5,2e.1,6.1,il.2,2h.6,d,7.a,n.8,k.b,d,3,2.b,2m.1,a.5,a.5,f,a.5,2g.7,17.4,1y.9,v,c.3,c.3,1.2,16.1,5.a,' +
  '18.3,q.5,b.2,1q.1,1t,t.1,b.5,a.5,e.1,f.1s,24.3,19.2,38.7,1o.2,f.2,1o.1i,8.7,13,2.5,6u.4,7v.1,6.1,12.1,6.1,8,1,1,1,v.1,' +
  '1h,f,e.1,6,j.1,3,9,2t,c.1,r,d.2,v.g,x.e,3w.3,hb,13.o,b.k,1ec.1,w.1,y.2,c,8.p,4.f,1b,1b,44.4,19,1.4,1.1,1k.6,2.d,o.8,7,7,' +
  '7,7,7,7,7,7,2t.1m,q,2h.b,5y.p,c.3,1s,2e.1,2v.4,15.2,2m,17.4,10.b,1b,67,59y.9,g7q.15,wd.2,1j.8,9o.j,54.7,4v,8.1q,1h.3,' +
  'a.5,1k.7,1y.7,c.5,u.1,2c.a,u.2,26,b.3,x,1j.8,e.1,a.1,2v.n,s.9,6.1,6.1,6.8,7,7,1i.9,3i.1,a.5,8mc.b,n.3,1d.3,6su.1,2y.11,' +
  '7.b,5.4,q,5,1,2,2,3g.g,a5.f,1s.1,1i.7,1a.1,q.5,1f,j,4.3,5,3r.1,1,5a.2,6.1,6.1,6.1,3.2,7,7.9,j,q,j,2,f.1,e.x,3f.4,3.3,' +
  '19.2,2g,c.3,1.1a,1a.3l,t.2,1d.e,s.3,10.b,r.4,17.4,u,11.3,e.15,4e.1,a.5,10.3,10.3,14.7,1g.a,1.3z,8n.8,m.9,8.47,6.1,1,18,' +
  '2.2,1.1,n,20.7,9.1b,j,2.4,x.2,r.4,1.1r,1k.3,k.1,1e,2.4,8,3,r.3,3.3,9.7,9.6,1s.v,13.3,c.8,1i.2,t.1,r.4,q.6,4.b,7.27,' +
  '21.1i,1f.c,1f.6,6.9r,v.ao,26.3,u.e,1v.d,p.6,a.5,1h,e.b,13.8,26.1,g,k.a,i,18.1s,7,1,4,f,b.5,1n.4,a.5,4,8.1,2.1,m,7,2,5.1,' +
  '9.1,2.1,3.1,1.5,1.4,7.1,7.2,5.3u,2i,1,1.x,20.7,a.4l,1i.1,12.x,1x.a,a.5,d.i,1k.7,a.1h,q.2,f.3,g.9r,2b.b,1.cf,1l.7a,9,19,' +
  'e.9,t.2,w.1,m,e.nc,pm.2t,33,5.a,5g.24b,tr.34g,g7.6ns,ft.6,v,a.3,2.2n,u.1,6.9,1y.9,a,7,l.4,j.of,1x.a,1b.f,h.1r,1.u,4q5.i,' +
  'kz.7bg,2.2d9,2z.4,d.2,9.6,a.1,8.3tn,6u.9,13.1,5c.m,1y.55,2f.8,i.3x,2d,1z,2.1,1.1,2.1,4,c,1,7,1t,4.1,8,7,s,4,5,1.2,7,' +
  '9g.1,84.1,ji.e,5,f.11r,7,h.1,7,2,5.1jo,5h.1,g.14,23.4,a.3,2.wv,4,r,2,1.1,1,a,4,1,1.5,1.3,1,1,1,3,2,1.1,1,1,1,1,1,2,1.1,' +
  '4,7,4,4,1,a,h.4,3,5,h.1f,2.7h,18.3,2s.b,f.1,f,f,11.9,d.2,v,1o.3,1p.1k,t.c,18.3,9.6,2.4t,r7.c,d.2,7.8,38.b,2d.16,c.3,' +
  '1k.7,a.5,14.7,u.2p,f,8.7,1.1,c,c.3,f.w,i.19,1.18c,wyh.14,379.a,66.1,4g2.865,f2.15r,2.1ekd,2.1ekd,2.1ekd,2.1ekd,2.1ekd,' +
  '2.1ekd,2.1ekd,2.1ekd,2.1ekd,2.1ekd,2.1ekd,2,1.t,2o.3j,6o.1e6l'

/** `char::to_lowercase` of Rust: `gap.distance.more.step`. */
export const LOWER =
  '1t.w.p.1,3j.w.m.1,o.w.6.1,14.1.n.2,1e.1.2.2,7.1.7.2,h.1.m.2,1a.-3d,1.1.2.2,8.5u,1.1.1.2,4.5q,1.1,2.5p.1.1,2.1,3.27,1.5m,' +
  '1.5n,1.1,2.5p,1.5r,2.5v,1.5t,1.1,4.5v,1.5x,2.5y,1.1.2.2,6.62,1.1,2.62,3.1,2.62,1.1,2.61.1.1,2.1.1.2,4.63,1.1,4.1,8.2,' +
  '1.1,2.2,1.1,2.2,1.1.8.2,j.1.8.2,j.2,1.1.1.2,4.-2p,1.-1k,1.1.j.2,14.-3m,2.1.8.2,o.8bv,1.1,2.-4j,1.8bs,3.1,2.-5f,1.1x,' +
  '1.1z,1.1.4.2,8a.1.1.2,6.1,9.38,7.12,2.11.2.1,4.1s,2.1r.1.1,3.w.g.1,i.w.8.1,18.8,9.1.b.2,s.-1o,3.1,2.-7,1.1,3.-3m.2.1,' +
  '3.28.f.1,g.w.v.1,28.1.g.2,16.1.q.2,1i.f,1.1.6.2,f.1.1b.2,2p.1c.11.1,29b.5ls.11.1,13.5ls,6.5ls,k3.tzk.27.1,28.8.5.1,' +
  '1p5.1,7.-2bk.16.1,19.-2bk.2.1,8z.1.22.2,4e.-5vj,2.1.1b.2,2w.-8.7.1,g.-8.5.1,g.-8.7.1,g.-8.7.1,g.-8.5.1,h.-8.3.2,' +
  'f.-8.7.1,w.-8.7.1,g.-8.7.1,g.-8.7.1,g.-8.1.1,2.-22.1.1,2.-9,c.-2e.3.1,4.-9,c.-8.1.1,2.-2s.1.1,e.-8.1.1,2.-34.1.1,2.-7,' +
  'c.-3k.1.1,2.-3i.1.1,2.-9,8a.-5st,4.-6gv,1.-6di,7.s,1a.g.f.1,z.1,mr.q.p.1,1fu.1c.1b.1,2o.1,2.-8af,1.-2xy,1.-89z,3.1.2.2,' +
  '6.-8bg,1.-8al,1.-8bj,1.-8bi,2.1,3.1,9.-8cf.1.1,2.1.1d.2,2z.1.1.2,7.1,nym.1.m.2,1s.1.d.2,4i.1.6.2,g.1.u.2,1z.1.1.2,' +
  '4.-r9g,1.1.4.2,d.1,2.-wmg,3.1.1.2,6.1.9.2,k.-wn8,1.-wnj,1.-wnf,1.-wn5,1.-wn8,2.-wlu,1.-wmi,1.-wlx,1.ps,1.1.7.2,g.-1c,' +
  '1.-wn7,1.-raw,1.1.1.2,4.-wo7,1.1.7.2,g.-wu9,p.1,h7w.w.p.1,yn.14.13.1,4w.14.z.1,5c.13.a.1,c.13.e.1,g.13.6.1,8.13.1.1,' +
  '1d8.1s.1e.1,5s.w.l.1,28g.w.v.1,gww.w.v.1,2o.r.o.1,o68.y.x.1'

/** The lower cases of more than one character: `from:to to`. */
export const LOWER_SPECIAL = '8g:2x lj'

/** The general categories, in the order of the letters that stand for them: `ABC…XYZ!#$%`. */
export const CATEGORY_NAMES =
  'Cc Cf Cn Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs'

/** General categories by `onig`: a letter, then a length in base 36 (1 where none). */
export const CATEGORIES =
  'Aw%V3XV3WSVZVRV2NaV2Z3V2JqWVSYQYFqWZSZAx%VX4!VY!HUZB!Y!ZP2YFV2YPHTP3VJnZJ7FoZF8JFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJ' +
  'FJFJFJFJFJFJFJF2JFJFJFJFJFJFJFJF2JFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJ2FJFJF3J2FJFJ2FJ3F2J4FJ2FJ3F3J2FJ2FJFJFJ' +
  '2FJF2JFJ2FJ3FJFJ2F2HJF3H4JIFJIFJIFJFJFJFJFJFJFJFJF2JFJFJFJFJFJFJFJFJF2JIFJFJ3FJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJF' +
  'JFJFJFJFJFJFJFJF7J2FJ2F2JFJ4FJFJFJFJF1xHFrGiY4GcYeG5Y7GYGYhM34JFJFGYJFC2GF3VJC4Y2JVJ3CJCJ2FJhCJ9FzJF2J3F3JFJFJFJFJFJFJFJ' +
  'FJFJFJFJF5JFZJFJ2F2J1fF1cJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJF!M5L2JFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJ2' +
  'FJFJFJFJFJFJF2JFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFCJ12C2GV6F' +
  '15VRC2!2XCM19RMVM2VM2VMC8HrC4H4V2CbB6Z3V2XV2!2MbVBV3HwGHaMlNaV4H2MH2rVHM7B!M6G2M2!M4H2NaH3!2HVeCBHMHuMrC2H2hMbHCeNaHxM9G' +
  '2!V3GC2MX2HmM4GM9GM3GM5C2VfCHpM3C2VCHbC5HoYH6CB2C5M9H15GMoBMwKH1iMKMHK3M8K4MK2HM7HaM2V2NaVGHfMK2CH8C2H2C2HmCH7CHC3H4C2MH' +
  'K3M4C2K2C2K2MHC8KC4H2CH3M2C2NaH2X2P6!XHVMC2M2KCH6C4H2C2HmCH7CH2CH2CH2C2MCK3M2C4M2C2M3C3MC7H4CHC7NaM2H3MVCaM2KCH9CH3CHmCH' +
  '7CH2CH5C2MHK3M5CM2KCK2MC2HCfH2M2C2NaVXC7HM6CMK2CH8C2H2C2HmCH7CH2CH5C2MHKMKM4C2K2C2K2MC7M2KC4H2CH3M2C2Na!HP6CaMHCH6C3H3CH' +
  '4C3H2CHCH2C3H2C3H3C3HcC4K2MK2C3K3CK3MC2HC6KCeNaP3!6X!C5MK3MH8CH3CHnCHgC2MHM3K4CM3CM4C7M2CH3C2HC2H2M2C2NaC7VP7!HMK2VH8CH3' +
  'CHnCHaCH5C2MHKMK5CMK2CK2M2C7K2C6H2CH2M2C2NaCH2KCcM2K2H9CH3CH15M2HK3M4CK3CK3MH!C4H3KP7H3M2C2NaP9!H6CMK2CHiC3HoCH9CHC2H7C3' +
  'MC4K3M3CMCK8C6NaC2K2VCcH1cMH2M7C4XH6GM8VNaV2C11H2CHCH5CHoCHCHaMH2M9HC2H5CGCM7CNaC2H4CwH!3Vf!V!3M2!6NaPa!M!M!MWSWSK2H8CH1' +
  '0C4MeKM5VM2H5MbCM10C!8M!6C!2V5!4V2C11H17K2M4KM6KM2K2M2HNaV6H6K2M2H4M3HK3H2K7H3M4HdMK2M2K6MHKNaK3M!2J12CJC5JC2F17VGF3H95C' +
  'H4C2H7CHCH4C2H15CH4C2HxCH4C2H7CHCH4C2HfCH1lCH4C2H1vC2M3V9PkC3Hg!aC6J2eC2F6C2RHh8!VHh%HqWSC3H23V3O3H8C7HiM3KC9HjM2KV2C9Hi' +
  'M2CcHdCH3CM2CcH1gM2KM7K8MK2MbV3GV3XHMC2NaC6PaC6V6RV4M3BMNaC6HzGH1hC7H5M2HyMHC5H1yCaHvCM3K4M2K3C4K2MK6M3C4!C3V2NaHuC2H5Cb' +
  'H18C4HqC6NaPC3!yHnM2K2MC2V2H1hKMKM7CMKMK2M8K6MaC2MNaC6NaC6V7GV6C2MeLMgC1dM4KH1bMKM5KMK5MK2H8CV2NaV7!aM9!9V3M2KHuKM4K2M2K' +
  'M3H2NaH18MKM2K3MKM3K2C8V4H10K8M8K2M2C3V5NaC3H3NaHuG6V2F9JFC5J17C2J3V8C8M3VMdKM7H4MH6MH2KM2HC5F18G1rFdGFyG11M1sJFJFJFJFJF' +
  'JFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJF' +
  'JFJFJFJFJFJFJFJFJFJF9JFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJF9' +
  'J8F6C2J6C2F8J8F8J8F6C2J6C2F8CJCJCJCJF8J8FeC2F8I8F8I8F8I8F5CF2J4IYFY3F3CF2J4IY3F4C2F2J4CY3F8J5Y3C2F3CF2J4IY2C%bB5R6V2UTWU' +
  '2TWUV8#$B5%V9UTV4Q2V3ZWSVbZVQVa%B5CBaPGC2P6Z3WSGPaZ3WSCGdC3XxCfMdL4ML3McCf!2J!4J!2FJ3F2J3F!J!2ZJ5!6J!J!J!J4!FJ4FH4F!2F2J' +
  '2Z5JF4!Z!2F!PgOzJFO4P!2C4Z5!5Z2!4Z!2Z!2Z!7Z!vZ2!2Z!Z!vZ7g!8WSWS!kZ2!7WS!29Z!uZp!14Z6!20Cm!bClP1o!26Pm!53Z!9Z!1iZ8!33Z!6w' +
  'WSWSWSWSWSWSWSPu!18Z5WSZvWSWSWSWSWSZg!74Z3nWSWSWSWSWSWSWSWSWSWSWSZ1rWSWSZwWSZ76!1cZl!2Z6!13C2!wC!2xJ1cF1cJFJ3F2JFJFJFJ4F' +
  'JF2JF6G2J3FJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJF2!6JFJFM3JF' +
  'C5V4PV2F12CFC5FC2H1kC7GVCeMHnC9H7CH7CH7CH7CH7CH7CH7CH7CMwV2UTUTV3UTVUTV9RV2RVUTV2UTWSWSWSWSV5GVaR2V4RVWVd!2V3WSWSWSWSRCy' +
  '!qC!2hCc!5yCq!g%V3!GHOWSWSWSWSWS!2WSWSWSWSRWS2!O9M4K2RG5!2O3GHV!2CH2eC2M2Y2G2HRH2iVG3HC5H17CH2mC!2P4!aHw!12C9!Hg!vCPa!uP' +
  '8!Pf!wPa!13Pf!8wH534!1sHg7pGHvrC3!1jC9H14G6V2H7gGV3HgNaH2CkJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFHML3VMaVGJFJFJF' +
  'JFJFJFJFJFJFJFJFJFJFJFG2M2H1yOaM2V6C8YnG9Y2JFJFJFJFJFJFJF3JFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJFJF' +
  'GF8JFJFJ2FJFJFJFJFGY2JFJFHJFJF3JFJFJFJFJFJFJFJFJFJFJ5FJ5FJFJFJFJFJFJFJFJ4FJFJ2FC2JFCFCFJFJFJFJClG3JFHG2FH7MH3MH4MHnK2M2K' +
  '!4MC3P6!2X!C6H1gV4C8K2H1eKgM2C8V2NaC6MiH6V3HVH2MNaHsM8V2HnMbK2CbVHtC3M3KH1bMK2M4K2M2K3VdCGNaC4V2H5MGH9NaH5CH15M6K2M2K2M2' +
  'C9H3MH8MKC2NaC2V4HgGH6!3HKMKH1eMHM3H2M2H5M2HMHCoH2GV2HbKM2K2V2HG2KMCaH6C2H6C2H6C9H7CH7CF17YG4F9GY2C4F28HzK2MK2MK2VKMC2Na' +
  'C6H8mcCcHnC4H1dC4E1kwD4xsHa6C2H2yC12F7CcF5C5HMHaZHdCH5CHCH2CH2CH30YhCgHa3SW!gH1sC2H1iC7!CwHcX!3MgV7WSVC6MgVR2Q2WSWSWSWSW' +
  'SWSWSWSV2WSV4Q3V3CV4RWSWSWSV3ZRZ3CVXV2C4H5CH3rC2BCV3XV3WSVZVRV2NaV2Z3V2JqWVSYQYFqWZSZWSVWSV2HaGH19G2HvC3H6C2H6C2H6C2H3C3' +
  'X2ZY!X2C!Z4!2CaB3!2C2HcCHqCHjCH2CHfC2HeCyH3fC5V3C4P19C3!9O1hP4!hP2!3C!dC3!C1b!19MC3mHtC3H1dCfMPrC4HwP4C9HkOH8OC5H12M5C5H' +
  'uCVH10C4H8VO5C16J14F14H26C2NaC6J10C4F10C4H14C8H1gCbVJbCJfCJ7CJ2CFbCFfCF7CF2C3H1gCcH8nC9HmCaH8CoG6CG16CG9C1xH6C2HCH18CH2C' +
  '3HC2HnCVP8Hn!2P7HvC8P9C1cHjCH2C5P5HmP6C3VHqC5VC1sH1kC4P2H2PgC2P1aHM3CM2C5M4H4CH3CHtC2M3C4MP9C7V9C7HtP2VHtP3CwH8!HsM2C4P5' +
  'V7C9H1iC3V7HmC2P8HjC5P8HiC7V4CcP7C28H21C1jJ1fCdF1fC7P6H10M4C8NaC6NaH4GHJmC3M5RGFmC8Z2C5sPvCH16CM2RC2H2CgH3C1jM4HtPaHC8Hm' +
  'MbP4V5CmHiM4V4C12HlP7CkHnC9KMKH1hMfV7C4PkNaMH2M2HC9M3KH19K3M4K2M2V2BV4MCaBC2HpC7NaC6M3H10M5KM8CNaV4HK2HC8HzMV2HC9M2KH1cK' +
  '3M9K2H4V4M4VKMNaHVHV3CPkCbHiCHpK3M3K2MKM2V6MH2MC1qH7CHCH4CHfCHaVC6H1bMK3M8C5NaC6M2K2CH8C2H2C2HmCH7CH2CH5CM2HK2MK4C2K2C2K' +
  '3C2HC6KC5H5K2C2M7C3M5CbHaCHC2HCH12CHK3M6CKC2KCK4CK2MKMHMHV2CV2C8M2CtH1hK3M8K2M3KMH4V5NaV2CVMH3CuH1cK3M6KMK4M2KM2H2VHC8Na' +
  'C4mH1bK3M4C2K4M2KM2VnH4M2CyH1cK3M8K2MKM2V3HCbNaC6VdCjH17MKMK2M6KMHVC6NaC6NkCsHrC2MKMK2M4KM5C4NaP2V3!H7C55H18K3M9KM2VC2sJ' +
  'wFwNaP9CcH8C2HC2H8CH2CHoK6CK2C2M2KMHKHKMV3C9NaC1yH8C2H13K3M4C2M2K4MHVHKCrHMaH14M6KHM4V8MC8HM6K2M3H1aMdKM2V3HV5CdH21C7VaC' +
  '52HxVCeNaC6H9CH11KM7CM6KMHV5CaNaPjC3V2HuC2MmCKM7KM2KM2C21H7CH2CH12M6C3MCM2CM7HMC8NaC6H6CH2CHwK5CM2CK2MKMHC7NaC8mHjM2K2V2' +
  'C7M2HKHdCHyK2M5C3K2MKMVdNaMC2dHCfPl!8X4!hCdVHpmC2uO33CV5CbH5gC218H2pV2CdHtsBgMH6MfCaH32zC5Hg7C5a1HuMcK3M3NaC1c6HftC7HvCN' +
  'aC4V2H27CNaC6HuC2M5VCaH1cM7V5!4G4V!CaNaCP7CHlC5HjCc0G3H14G2V3NaC5iJwFwPnV4C2tH23C4MHK1jC7M4GdC1sG2VGMCbK2CeH4qgC8HyeC15H' +
  'aC6w7G4CG7CG2CH83CfHCtH3C2HCeH4C8Hb0C1s4H2zC5HdC3H9C7HaC2!M2VB4C318!6oNaC6!c4C24M1aC2MnC9!38C1o!6uCa!13C2!1oK2M3!3K6B8M8' +
  '!2M7!uM4!1pCl!1uM3!C3ePkCcPkCc!2fC9PpC3rJqFqJqF7CFiJqFqJCJ2C2JC2J2C2J4CJ8F4CFCF7CFbJqFqJ2CJ4C2J8CJ7CFqJ2CJ4CJ5CJC3J7CFqJ' +
  'qFqJqFqJqFqJqFqJqFqJqFsC2JpZFpZF6JpZFpZF6JpZFpZF6JpZFpZF6JpZFpZF6JFC2N1e!e8M1j!4M1e!8M!eM!2V5CfM5CMfCuoFaHFkC6F6C5xM7CMh' +
  'C2M7CM2CM5C5G1qCxMC34H19C3M7G7C2NaC4H!C8wHuMChH18M4NaC5XCcwHrGM4NaC5yHuM2HNaC4VCdcH7CH4CH2CHfCH5hC2P9M7C15JyFyM7GC4NaC4V' +
  '2CltP1n!P3XP4C24P19!PfC5eH4CHrCH2CHC2HCHaCH4CHCHC6HC4HCHCHCH3CH2CHC2HCHCHCHCHCH2CHC2H4CH7CH4CH4CHCHaCHhC5H3CH5CHhC1gZ2C7' +
  'i!18C4!2sCc!fC2!fC!fC!11CaPd!4hC1k!tCd!18C4!9C7!2Ce!6C4a!6zY5!k8C4!hC3!dC3!3bC4!2nC6!cC4!Cf!cC4!1kC8!aC6!14C8!uC2!cC4!2C' +
  '1q!9gCc!eC2!dC3!aC5!1kC7!fC2!bC6!9C7!43C!2kNaCsmHwyoCwH37eC6H66C2H4g2CeH5rlCfHhaC1wiHf2C15uH3t7C5H38gCf975BCuB2oC3kM6oC1' +
  'e6oD1ekeC2D1ekeC2'

/** `\\w` of `onig` by itself. */
export const ONIG_WORD =
  '1c.9,7.p,4,1.p,1b,7.1,1,3.1,1.2,1.m,1.u,1.cp,4.b,e.4,7,1,h.38,1.1,2.3,1,6,1.2,1,1.j,1.2a,1.3u,1.4s,1.11,2,6.14,8.18,1,' +
  '1.1,1.1,1,8.q,4.3,t.a,5.21,4.2t,1.7,2.9,1.i,2,g.1m,2.2s,e.1h,4,2,2.19,i.r,4.a,5.n,1.5,8.22,1.3k,2.9,1.i,1.7,2.1,2.l,1.6,' +
  '1,3.3,2.8,2.1,2.3,8,4.1,1.4,2.b,a,1,2.2,1.5,4.1,2.l,1.6,1.1,1.1,1.1,2,1.4,4.1,2.2,3,7.3,1,7.f,b.2,1.8,1.2,1.l,1.6,1.1,' +
  '1.4,2.9,1.2,1.2,2,f.3,2.9,9.6,1.2,1.7,2.1,2.l,1.6,1.1,1.4,2.8,2.1,2.2,7.2,4.1,1.4,2.9,1,g.1,1.5,3.2,1.3,3.1,1,1.1,3.1,' +
  '3.2,3.b,4.4,3.2,1.3,2,6,e.9,g.c,1.2,1.m,1.f,2.8,1.2,1.3,7.1,1.2,2,2.3,2.9,g.3,1.7,1.2,1.m,1.9,1.4,2.8,1.2,1.3,7.1,6.1,' +
  '1.3,2.9,1.2,c.c,1.2,1.1e,1.2,1.4,5.3,7.4,2.9,a.5,1.2,1.h,3.n,1.8,1,2.6,3,4.5,1,1.7,6.9,2.1,d.1l,5.e,1.9,13.1,1,1.4,1.n,' +
  '1,1.m,2.4,1,1.6,1.9,2.3,w,n.1,6.9,b,1,1,4.9,1.z,4.j,1.h,1.z,9,1l.21,6.25,2.11,1,5,2.16,1.98,1.3,2.6,1,1.3,2.14,1.3,2.w,' +
  '1.3,2.6,1,1.3,2.e,1.1k,1.3,2.1u,2.2,w.f,g.2d,2.5,3.h7,2.g,1.p,5.22,3.a,7.l,9.l,b.j,c.c,1.2,1.1,c.2b,3,4.1,2.9,x.2,1.a,' +
  '6.2g,7.16,5.1x,a.u,1.b,4.b,a.13,2.4,b.17,4.p,6.9,12.r,4.1q,1.s,2.a,6.9,d,8.u,1d.24,3.9,h.8,c.37,c.1j,8.9,3.1c,2.a,5.16,' +
  '2.2,g.2,1.12,5.et,2.5,2.11,2.5,2.7,1,1,1,1.u,2.1g,1.6,1,3.2,1.6,3.3,2.5,4.c,5.2,1.6,1u.1,j,s,d,g.c,1f.w,h,4,2.9,1,3.4,6,' +
  '1,1,1.3,1.a,2.3,5.4,4,h.14,ml.1f,1ee.6c,6.8,c.11,1,5,2.1j,7,f.n,9.6,1.6,1.6,1.6,1.6,1.6,1.6,1.6,1.v,1b,d1.2,p.e,1.4,2.4,' +
  '4.2d,2.1,2.2,1.2h,1.3,5.16,1.2l,h.v,1c.f,e8.533,1s.h3g,1v.19,2.7g,3.r,k.1e,1.9,1.36,11.8,2.2u,2.1u,2.1,1,1.7,l.1h,4,' +
  'j.1f,c.1x,a.9,6.n,3,1.1c,2.z,c.s,3.1s,e.a,6.u,1.1i,9.d,2.9,6.m,3.20,o.2,2.f,2.4,a.5,2.5,2.5,9.6,1.6,1.16,1.d,6.3e,1.1,' +
  '2.9,6.8mb,c.m,4.1c,6is.a5,2.2x,12.6,c.4,5.b,1.c,1.4,1,1.1,1.1,1.2z,x.a2,i.1r,2.1h,14.b,4.f,g.f,3.1,o.2,w.4,1.3q,j.9,7.p,' +
  '4,1.p,b.2g,3.5,2.5,2.5,2.2,z.b,1.p,1.i,1.1,1.e,2.d,y.3e,1x.1g,3s,3m.s,3.1c,f,v.v,d.t,5.16,5.t,2.z,4.7,1.4,16.4d,2.9,6.z,' +
  '4.z,4.13,8.1f,c.a,1.e,1.6,1.1,1.a,1.e,1.6,1.1,3.1f,c.8m,9.l,a.7,o.5,1.15,1.8,1x.5,2,1.17,1.1,3,2.m,a.m,9.u,1t.i,1.1,a.l,' +
  'a.p,1y.1j,6.1,1s.3,1.1,5.7,1.2,1.s,2.2,4,w.s,3.s,z.7,1.t,p.1h,a.l,a.i,d.h,32.20,1j.1e,d.1e,d.13,8.9,6.11,3.4,1.m,6y.15,' +
  '1.1,3.1,g.2,1j.w,a,8.w,v.l,16.k,r.m,9.1y,v.f,9.1n,7,d.o,7.9,6.1g,1.9,4.3,8.z,2,9.1w,4.3,1.c,1,z.h,1.10,6.3,1q.6,1,1.3,' +
  '1.e,1.9,7.1m,5.9,6.3,1.7,2.1,2.l,1.6,1.1,1.4,1.9,2.1,2.2,2,6,5.6,2.6,3.4,b.9,1,2,1.11,1.9,1,2,1.3,1.7,d.1,t.22,5.9,4.3,' +
  'u.1x,1,8.9,4m.1h,2.8,n.5,y.1s,3,b.9,12.1k,7.9,6.j,s.q,2.e,4.9,6.6,55.1m,2t.21,l.7,2,2.7,1.1,1.t,1.1,2.8,c.9,1y.7,2.19,' +
  '2.7,1.1,r.1q,8,8.21,3,i.20,5j.w,f.9,6.8,1.18,1.8,f.9,o.t,2.l,1.d,21.6,1.1,1.17,3,1.1,1.8,8.9,6.5,1.1,1.10,1.1,1.5,7.9,' +
  '8m.m,9.g,1.14,3.4,d.a,2d,27.pl,2u.32,h.5f,218.2o,f.tr,g.l,a.32y,5.g6,5a1.1l,1c6.fs,7.u,1.9,6.26,1.9,6.t,2.4,b.1i,9.3,' +
  'c.9,9.k,5.i,c0.18,3.9,5i.1r,3k.22,4.1k,7.g,1s.1,1.1,b.1,e.4qf,8.yd,15.9,6w7.3,1.6,1.1,1.82,f,t.2,2,e.3,8.az,1s4.2y,5.c,' +
  '3.8,7.9,3.1,381.9,ee.19,2.m,f2.4,3.5,8.7,2.6,u.3,44.2,cb.2c,1.1y,1.1,2,2.1,2.3,1.b,1,1.6,1.1s,1.3,2.7,1.6,1.r,1.3,1.4,1,' +
  '3.6,1.9f,2.o,1.o,1.u,1.o,1.u,1.o,1.u,1.o,1.u,1.o,1.7,2.1d,e8.1i,4.1d,8,e,m.4,1.e,uo.u,6.5,5x.6,1.g,2.6,1.1,1.4,5.1p,x,' +
  '34.18,3.d,2.9,4,8x.u,h.1l,d2.15,5y.16,dh.6,1.3,1.1,1.e,1.5g,b.6,15.23,4.9,x2.3,1.q,1.1,1,2,1.9,1.3,1,1,6,4,1,1,1.2,1.1,' +
  '1,2,1,1,1,1,1.1,1,2.3,1.6,1.3,1.3,1,1.9,1.g,5.2,1.4,1.g,hg.p,6.p,6.p,21y.9,sm.wyn,w.37d,6.65,2.4g1,e.5rk,f.h9,1wi.f1,' +
  '15u.3t6,5.38f,f9e8.6n'

/** `\\w` of `onig` inside a class, where ², ½ and the like are none. */
export const ONIG_WORD_IN_CLASS =
  '1c.9,7.p,4,1.p,1b,a,4,5.m,1.u,1.cp,4.b,e.4,7,1,h.38,1.1,2.3,1,6,1.2,1,1.j,1.2a,1.3u,1.4s,1.11,2,6.14,8.18,1,1.1,1.1,1,' +
  '8.q,4.3,t.a,5.21,4.2t,1.7,2.9,1.i,2,g.1m,2.2s,e.1h,4,2,2.19,i.r,4.a,5.n,1.5,8.22,1.3k,2.9,1.i,1.7,2.1,2.l,1.6,1,3.3,2.8,' +
  '2.1,2.3,8,4.1,1.4,2.b,a,1,2.2,1.5,4.1,2.l,1.6,1.1,1.1,1.1,2,1.4,4.1,2.2,3,7.3,1,7.f,b.2,1.8,1.2,1.l,1.6,1.1,1.4,2.9,1.2,' +
  '1.2,2,f.3,2.9,9.6,1.2,1.7,2.1,2.l,1.6,1.1,1.4,2.8,2.1,2.2,7.2,4.1,1.4,2.9,1,g.1,1.5,3.2,1.3,3.1,1,1.1,3.1,3.2,3.b,4.4,' +
  '3.2,1.3,2,6,e.9,g.c,1.2,1.m,1.f,2.8,1.2,1.3,7.1,1.2,2,2.3,2.9,g.3,1.7,1.2,1.m,1.9,1.4,2.8,1.2,1.3,7.1,6.1,1.3,2.9,1.2,' +
  'c.c,1.2,1.1e,1.2,1.4,5.3,7.4,2.9,a.5,1.2,1.h,3.n,1.8,1,2.6,3,4.5,1,1.7,6.9,2.1,d.1l,5.e,1.9,13.1,1,1.4,1.n,1,1.m,2.4,1,' +
  '1.6,1.9,2.3,w,n.1,6.9,b,1,1,4.9,1.z,4.j,1.h,1.z,9,1l.21,6.25,2.11,1,5,2.16,1.98,1.3,2.6,1,1.3,2.14,1.3,2.w,1.3,2.6,1,' +
  '1.3,2.e,1.1k,1.3,2.1u,2.2,w.f,g.2d,2.5,3.h7,2.g,1.p,5.22,3.a,7.l,9.l,b.j,c.c,1.2,1.1,c.2b,3,4.1,2.9,x.2,1.a,6.2g,7.16,' +
  '5.1x,a.u,1.b,4.b,a.13,2.4,b.17,4.p,6.9,12.r,4.1q,1.s,2.a,6.9,d,8.u,1d.24,3.9,h.8,c.37,c.1j,8.9,3.1c,2.a,5.16,2.2,g.2,' +
  '1.12,5.et,2.5,2.11,2.5,2.7,1,1,1,1.u,2.1g,1.6,1,3.2,1.6,3.3,2.5,4.c,5.2,1.6,1u.1,j,s,d,g.c,1f.w,h,4,2.9,1,3.4,6,1,1,1.3,' +
  '1.a,2.3,5.4,4,h.14,ml.1f,1ee.6c,6.8,c.11,1,5,2.1j,7,f.n,9.6,1.6,1.6,1.6,1.6,1.6,1.6,1.6,1.v,1b,d1.2,p.e,1.4,2.4,4.2d,' +
  '2.1,2.2,1.2h,1.3,5.16,1.2l,h.v,1c.f,e8.533,1s.h3g,1v.19,2.7g,3.r,k.1e,1.9,1.36,11.8,2.2u,2.1u,2.1,1,1.7,l.1h,4,j.1f,' +
  'c.1x,a.9,6.n,3,1.1c,2.z,c.s,3.1s,e.a,6.u,1.1i,9.d,2.9,6.m,3.20,o.2,2.f,2.4,a.5,2.5,2.5,9.6,1.6,1.16,1.d,6.3e,1.1,2.9,' +
  '6.8mb,c.m,4.1c,6is.a5,2.2x,12.6,c.4,5.b,1.c,1.4,1,1.1,1.1,1.2z,x.a2,i.1r,2.1h,14.b,4.f,g.f,3.1,o.2,w.4,1.3q,j.9,7.p,4,' +
  '1.p,b.2g,3.5,2.5,2.5,2.2,z.b,1.p,1.i,1.1,1.e,2.d,y.3e,1x.1g,3s,3m.s,3.1c,f,v.v,d.t,5.16,5.t,2.z,4.7,1.4,16.4d,2.9,6.z,' +
  '4.z,4.13,8.1f,c.a,1.e,1.6,1.1,1.a,1.e,1.6,1.1,3.1f,c.8m,9.l,a.7,o.5,1.15,1.8,1x.5,2,1.17,1.1,3,2.m,a.m,9.u,1t.i,1.1,a.l,' +
  'a.p,1y.1j,6.1,1s.3,1.1,5.7,1.2,1.s,2.2,4,w.s,3.s,z.7,1.t,p.1h,a.l,a.i,d.h,32.20,1j.1e,d.1e,d.13,8.9,6.11,3.4,1.m,6y.15,' +
  '1.1,3.1,g.2,1j.w,a,8.w,v.l,16.k,r.m,9.1y,v.f,9.1n,7,d.o,7.9,6.1g,1.9,4.3,8.z,2,9.1w,4.3,1.c,1,z.h,1.10,6.3,1q.6,1,1.3,' +
  '1.e,1.9,7.1m,5.9,6.3,1.7,2.1,2.l,1.6,1.1,1.4,1.9,2.1,2.2,2,6,5.6,2.6,3.4,b.9,1,2,1.11,1.9,1,2,1.3,1.7,d.1,t.22,5.9,4.3,' +
  'u.1x,1,8.9,4m.1h,2.8,n.5,y.1s,3,b.9,12.1k,7.9,6.j,s.q,2.e,4.9,6.6,55.1m,2t.21,l.7,2,2.7,1.1,1.t,1.1,2.8,c.9,1y.7,2.19,' +
  '2.7,1.1,r.1q,8,8.21,3,i.20,5j.w,f.9,6.8,1.18,1.8,f.9,o.t,2.l,1.d,21.6,1.1,1.17,3,1.1,1.8,8.9,6.5,1.1,1.10,1.1,1.5,7.9,' +
  '8m.m,9.g,1.14,3.4,d.a,2d,27.pl,2u.32,h.5f,218.2o,f.tr,g.l,a.32y,5.g6,5a1.1l,1c6.fs,7.u,1.9,6.26,1.9,6.t,2.4,b.1i,9.3,' +
  'c.9,9.k,5.i,c0.18,3.9,5i.1r,3k.22,4.1k,7.g,1s.1,1.1,b.1,e.4qf,8.yd,15.9,6w7.3,1.6,1.1,1.82,f,t.2,2,e.3,8.az,1s4.2y,5.c,' +
  '3.8,7.9,3.1,381.9,ee.19,2.m,f2.4,3.5,8.7,2.6,u.3,44.2,cb.2c,1.1y,1.1,2,2.1,2.3,1.b,1,1.6,1.1s,1.3,2.7,1.6,1.r,1.3,1.4,1,' +
  '3.6,1.9f,2.o,1.o,1.u,1.o,1.u,1.o,1.u,1.o,1.u,1.o,1.7,2.1d,e8.1i,4.1d,8,e,m.4,1.e,uo.u,6.5,5x.6,1.g,2.6,1.1,1.4,5.1p,x,' +
  '34.18,3.d,2.9,4,8x.u,h.1l,d2.15,5y.16,dh.6,1.3,1.1,1.e,1.5g,b.6,15.23,4.9,x2.3,1.q,1.1,1,2,1.9,1.3,1,1,6,4,1,1,1.2,1.1,' +
  '1,2,1,1,1,1,1.1,1,2.3,1.6,1.3,1.3,1,1.9,1.g,5.2,1.4,1.g,hg.p,6.p,6.p,21y.9,sm.wyn,w.37d,6.65,2.4g1,e.5rk,f.h9,1wi.f1,' +
  '15u.3t6,5.38f,f9e8.6n'

/** Grapheme clusters: Extend and ZWJ. */
export const GRAPHEME_EXTEND =
  'lc.33,7n.6,7b.18,1,1.1,1.1,1,20.a,1c.k,g,2t.6,2.5,2.1,1.3,z,u.q,2j.a,1m.8,9,o.3,1.8,1.2,1.4,17.2,1n.8,16.n,1.v,1j,1,4.7,' +
  '4,3.6,a.1,t,1m,1,2.3,8,9,a.1,q,2.1,1l,4.1,4.1,2.2,3,u.1,3,b.1,1l,4.4,1.1,4,k.1,m.5,1,1m,1.1,1.3,8,7.2,a.1,u,1n,1,c,9,14,' +
  '3,1j,1.2,5.2,1.3,7.1,b.1,t,1m,2.1,1,3.2,1.3,7.1,b.1,s.1,1l.1,1,2.3,8,9,a.1,t,20,4,2.2,1,8,29,2.6,c.7,2q,2.8,b.6,21.1,r,' +
  '1,1,1j.d,1.4,1.1,5.a,1.z,9,2u.3,1.5,1.1,2.1,p.1,4.2,g.3,d,2.1,6,f,jj.2,qa.3,s.2,t.1,u.1,1s.1,1.6,8,2.a,9,19.2,1,39.1,y,' +
  '3a.2,4.1,9,6.2,63.1,2,1m,1.6,1,1,2.7,6.9,2,1c.19,2.b,k.3,1c.9,4.2,12.8,c.1,w.3,2.5,1k,1.1,3,1.4,1k.7,2.1,48.2,1.c,1.6,4,' +
  '6,3.1,5i.1r,ek,5f.w,2da.2,3x,2o.v,fe.5,2x.1,n9w.3,1.9,w.1,28.1,7k,3,4,p.1,5,47.1,q.h,d,12.7,p.a,1,18.2,1c,2.3,2.1,2,10,' +
  '1v.5,2.1,2.1,c,8,1b,1f,1.2,2.1,5.1,1,16.1,8,6m,2,4,fn4,kh.f,g.f,a6.1,gt,6a,45.4,1ae.2,1.1,5.3,14.2,4,4l.1,fx.3,1t.4,' +
  '8t.1,25.5,1y.a,1d.3,3f,1i.e,15,2.1,a.2,1d.3,2.1,7,1p.2,10.4,1.7,1q,c.1,1g.8,1,8.3,2,2n.2,2.3,6,2,4d,3.7,l.1,1l.1,1,1,c,' +
  '9,e.6,3.4,1v,2.5,1,2,1.2,4.2,1,e.1,2d.7,2.2,1,n,29,2.5,1,2,1.1,1.1,6j,2.3,6.1,1.1,r.1,2d.7,2,1.1,2y,1,2.7,2t,1,2.3,1.4,' +
  '77.8,1.1,6t,a.3,4,40.3,2.1,4,w.9,14.5,2.3,8,9.5,2.2,1a.c,1.1,5i,1.2,1,5l.6,1.5,1,2a.l,2.6,1.1,1.1,3e.5,3,1.1,1.6,1,20.1,' +
  '3,1,9n.1,b.1,1g.4,5.2,n,44l,6.e,8ug.b,3.2,1xc.4,1n.6,t4,1r.3,29,b.1,f57.1,3mp.19,2.m,f2.4,3.5,8.7,2.6,u.3,44.2,1iz.1i,' +
  '4.1d,8,e,m.4,1.e,11s.6,1.g,2.6,1.1,1.4,2s,4g.6,af,1p.3,e4.3,72.1,6r,2,7.1,5,d6.6,31.6,240.4,gx7k.2n,3k.6n'

/** Grapheme clusters: SpacingMark. */
export const GRAPHEME_SPACING =
  '1s3,1j,2.2,8.3,1.1,1e.1,1n.1,6.1,2.1,1i,1m.2,1u,1m.2,8,1.1,1h.1,1o,6.1,2.1,36,1.1,3.2,1.2,1g.2,1p.3,1p.1,1m,2,1.1,1a,' +
  'e.1,1n.1,5.2,1.2,1h.1,24.1,6.6,j.1,1r,3j,3u.1,1r,4x,9.1,p.1,18,1f5,7.7,1.1,9m.3,2.2,4.1,1.5,68.1,1m,1,l.5,41,1l.3,1s,u,' +
  '4.1,1r,2.2,1,1h.7,8.1,4r,l,lx,qvp.1,2,2g.1,1e.f,3y,1c,1c.1,4.1,2.1,33.1,2.1,o,4d,2.1,5,6l.1,1.1,1.1,1,jrn,1,3j,19.2,4.1,' +
  '37,o.1,1n,1c.2,9,e,2l.2,3.1,4s.2,v.1,1n,1.3,2.1,2.1,l.1,2d.1,f,1.1,2v.2,8.1,3,2z.1,6,1.1,1,2,6m.1,6.3,2,35.2,8.1,1,31,' +
  '1.1,32,7,79.2,9,6w.4,1.1,7,1,3y.2,8.3,4,2c,t.1,1q,5l,3,1,5j,e,2y,7,2,5x.4,4.1,1,9q.1,c,1c.1,8.1,d0q.2,2sk.1i'

/** Grapheme clusters: Prepend. */
export const GRAPHEME_PREPEND = '16o.5,5z,1d,ao.1,28,vf,1f8u,f,6s.1,el,12l,1,8y.5,jg,cb'

/** Grapheme clusters: Control, CR, LF. */
export const GRAPHEME_CONTROL = '0.v,2n.w,d,12m,3jl,1ks,2.1,o.6,1d.f,17yn,6o.b,ab8.f,qxs.3,43z.7,h405.v,2o.3j,6o.2rz'

/** Grapheme clusters: Extended_Pictographic. */
export const GRAPHEME_PICTOGRAPHIC =
  '4p,4,68d,c,60,m,2i.5,f.1,a7.1,c,4m,p.a,4.2,5j,6f.1,a,9,1m.3,1.4,9,2,2.1,2,4,2,1.1,2,3,3.1,8.2,5,1,5.b,b.1,2,1.1,1,i,2.1,' +
  'i.5,1,1.1,3.1,5,2.1,4.1,b.1,5.1,2,5.1,1,1.1,k.1,5.5,1.3,2,4,2,2.5,1,2,1,1,6,3,6,a.1,f,2,4,1,4.2,1,b.1,1c.2,9,e,e,ac.1,' +
  'cv.2,j.1,1f,4,yi,c,gp,1,2fze,13.3,2s.b,f.1,f,e.1,11.9,34.1,c.1,e,2.9,j.1j,r.e,a,k,2.8,1.3,9.m,6.57,2.33,2.1,1.2,2.2a,' +
  '2.2,1.3,5.71,1.1q,b.5,1.n,7.1,2.7,c,2.3,2,4.1,d.1,2,8.1,9,5.2,c.2,8.2,2,1,4,6,3,6.2d,1c.1x,5.7,2.g,3,1.5,2.c,62.11,c.3,' +
  '1k.7,a.5,14.7,u.1,c.3,2.d,9.12,c.1a,1.9,1.54,2g.7,e.41,74.sd'

/** Grapheme clusters: InCB=Linker. */
export const GRAPHEME_LINKER = '1u5,3j,73,3j,73,73,kr,1i0,i5,6b,2u,s2c,8l,itk,1df,ik,12l,7c,29,x4'

/** Grapheme clusters: InCB=Extend. */
export const GRAPHEME_CONJUNCT =
  'lc.33,7n.6,7b.18,1,1.1,1.1,1,20.a,1c.k,g,2t.6,2.5,2.1,1.3,z,u.q,2j.a,1m.8,9,o.3,1.8,1.2,1.4,17.2,1n.8,16.n,1.v,1j,1,4.7,' +
  '8.6,a.1,t,1m,1,2.3,i,a.1,q,2.1,1l,4.1,4.1,2.2,3,u.1,3,b.1,1l,4.4,1.1,p.1,m.5,1,1m,1.1,1.3,g.2,a.1,u,1n,1,c,9,14,3,1j,' +
  '1.2,5.2,1.2,8.1,b.1,t,1m,2.1,1,3.2,1.3,7.1,b.1,s.1,1l.1,1,2.3,i,a.1,t,20,4,2.2,1,8,29,2.6,c.7,2q,2.8,b.6,21.1,r,1,1,' +
  '1j.d,1.4,1.1,5.a,1.z,9,2u.3,1.5,2,2.1,p.1,4.2,g.3,d,2.1,6,f,jj.2,qa.3,s.2,t.1,u.1,1s.1,1.6,8,2.8,1,9,19.2,1,39.1,y,3a.2,' +
  '4.1,9,6.2,63.1,2,1m,1.6,3,2.7,6.9,2,1c.19,2.b,k.3,1c.9,4.1,13.8,c.1,w.3,2.2,1.1,1k,1.1,3,1.4,1k.7,2.1,48.2,1.c,1.6,4,6,' +
  '3.1,5i.1r,el,5e.w,2da.2,3x,2o.v,fe.5,2x.1,n9w.3,1.9,w.1,28.1,7k,3,4,p.1,5,47.1,q.h,d,12.7,p.a,1,18.2,1c,2.3,2.1,13,1v.5,' +
  '2.1,2.1,c,8,1b,1f,1.2,2.1,5.1,1,16.1,6v,2,4,fn4,kh.f,g.f,a6.1,gt,6a,45.4,1ae.2,1.1,5.3,14.2,4q.1,fx.3,1t.4,8t.1,25.5,' +
  '1y.a,1d.3,3f,1i.e,15,2.1,a.2,1d.3,2.1,7,1p.2,10.4,1.5,1,1q,c.1,1g.8,1,8.3,2,2n.2,2.3,6,2,4d,3.7,l.1,1l.1,1,1,c,9,e.6,' +
  '3.4,1v,2.5,1,2,1.2,4.1,2,e.1,2d.7,2.2,1,n,29,2.5,1,2,1.1,1.1,6j,2.3,6.1,1.1,r.1,2d.7,2,1.1,2y,1,2.7,2t,1,2.3,1.4,77.8,' +
  '1.1,6t,a.2,5,40.3,2.1,4,w.9,14.5,2.3,i.5,2.2,1a.c,1,5j,1.2,1,5l.6,1.5,1,2a.l,2.6,1.1,1.1,3e.5,3,1.1,1.6,1,20.1,3,1,9n.1,' +
  'b.1,1g.4,5.1,o,44l,6.e,8ug.b,3.2,1xc.4,1n.6,t4,1r.3,29,b.1,f57.1,3mp.19,2.m,f2.4,3.5,8.7,2.6,u.3,44.2,1iz.1i,4.1d,8,e,' +
  'm.4,1.e,11s.6,1.g,2.6,1.1,1.4,2s,4g.6,af,1p.3,e4.3,72.1,6r,2,7.1,5,d6.6,31.6,240.4,gx7k.2n,3k.6n'

/** Grapheme clusters: InCB=Consonant. */
export const GRAPHEME_CONSONANT =
  '1sl.10,u.7,o.7,l.j,1.6,1,3.3,y.1,1,g.1,4j.j,1.6,1.1,1.4,1r,r.j,1.6,1.1,1.4,y.1,1,h,4j.j,1.f,u.2,56.11,jp.16,k,g.5,4.3,3,' +
  '3.1,7.2,4.c,c,1dd.1f,h8.1g,52.1,6.w,h.7,1i.t,d.1,b.2,s0b.2,3.z,19.4,2.8,a.4,2p.f,1.2,6,3.1,2o.a,5x.q,ilh,f.3,1.2,1.s,' +
  '1cd.z,t,2,fs.9,1,2,1.11,11m.6,2,2.7,1.1,1.n,5s,a.13,t,b.13,w0.c,1.x'

/** Grapheme clusters: L. */
export const GRAPHEME_HANGUL_L = '3cw.2n,u0w.s'

/** Grapheme clusters: V. */
export const GRAPHEME_HANGUL_V = '3fk.1z,1348.m,tjw,3.3'

/** Grapheme clusters: T. */
export const GRAPHEME_HANGUL_T = '3hk.2f,132j.1c'
