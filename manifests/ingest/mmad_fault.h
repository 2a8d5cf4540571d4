/* The known fault of early copies of MMAD: DS-MVTec/pill/image/good/000.png to 021.png show metal nuts (MMAD issues 15, 19, 21). */
#ifndef IAD_MANIFESTS_MMAD_FAULT_H
#define IAD_MANIFESTS_MMAD_FAULT_H

/* Pictures of metal nuts have this width and height, those of pills are 800 wide. */
enum { IAD_METAL_NUT_SIDE = 700 };

/* 1 when `key` (a path of mmad.json) names one of the 22 pictures. */
int iad_mmad_faulty_pill(const char *key);

#endif
